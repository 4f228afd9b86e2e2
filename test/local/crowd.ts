/**
 * Clients that want more than their share. They run in a forked process of their own, so that their work takes no time of the
 * process that measures. It is told once what to do, and reports when it is asked to and when it ends.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { type Load, startLoad } from './load.ts'
import { loadMessage } from './load-message.ts'
import { type SlowKind, slowClient } from './slow-clients.ts'
import { type Access, SmtpSession } from './smtp-session.ts'

export type CrowdOrder = {
  /** How the clients reach the relay, with the login of a credential of their own. */
  readonly access: Access
  readonly slow?: { readonly kind: SlowKind; readonly localAddresses: readonly string[] }[]
  /** The addresses of each guesser, which tries passwords without a pause, from one of them after the other. */
  readonly guessers?: readonly (readonly string[])[]
  /** Submits as fast as it is answered, over so many sessions from each address. */
  readonly flood?: {
    readonly localAddresses: readonly string[]
    readonly sessions: number
    readonly bytes: number
    readonly pipelined?: boolean
  }
}

export type CrowdReport = {
  /** How many slow clients are connected now. */
  readonly slow: number
  readonly guesses: number
  readonly flooded: number
  /** For each message of the flood without a 250: the reply, or why there was none. */
  readonly others: readonly string[]
}

const counts = { slow: 0, guesses: 0, flooded: 0, others: [] as string[] }
let ended = false

/** Keeps one slow client connected: when it is sent away, it comes back a second later. */
async function keepSlow(access: Access, kind: SlowKind): Promise<void> {
  while (!ended) {
    await slowClient(kind, access, (step) => {
      counts.slow += step
    }).catch(() => undefined)
    await sleep(1000)
  }
}

async function guess(access: Access): Promise<void> {
  const session = await SmtpSession.connect(access)
  try {
    await session.command('EHLO guess.test')
    await session.startTls(access)
    for (let n = 0; n < 3 && !session.closed; n += 1) {
      await session.login({ username: access.login?.username ?? '', password: `guess ${counts.guesses}` })
      counts.guesses += 1
    }
  } finally {
    session.close()
  }
}

async function keepGuessing(access: Access, localAddresses: readonly string[]): Promise<void> {
  for (let n = 0; !ended; n += 1) {
    const localAddress = localAddresses[n % localAddresses.length] ?? ''
    await guess({ ...access, localAddress }).catch(() => undefined)
  }
}

function flood(access: Access, { localAddresses, bytes, ...plan }: NonNullable<CrowdOrder['flood']>): Load[] {
  const envelope = { id: 'flood', reversePath: 'app@corp.test', forwardPaths: ['someone@flood.test'] }
  const message = loadMessage(envelope, bytes)
  return localAddresses.map((localAddress) =>
    startLoad({
      access: { ...access, localAddress },
      ...plan,
      messagesPerConnection: 100,
      next: () => message,
      tell: (told) => {
        if (told.kind === 'acknowledged') counts.flooded += 1
        else counts.others.push(told.kind === 'unknown' ? told.error.message : `${told.reply.code} ${told.reply.text}`)
      },
    }),
  )
}

function carryOut({ access, slow = [], guessers = [], flood: floods }: CrowdOrder): void {
  for (const { kind, localAddresses } of slow) {
    for (const localAddress of localAddresses) void keepSlow({ ...access, localAddress }, kind)
  }
  for (const localAddresses of guessers) void keepGuessing(access, localAddresses)
  if (floods) flood(access, floods)
}

process.on('message', (order: CrowdOrder | 'report' | 'end') => {
  if (order === 'report') process.send?.(counts)
  else if (order !== 'end') carryOut(order)
  else {
    ended = true
    process.send?.(counts, () => process.exit(0))
  }
})
process.on('disconnect', () => process.exit(0))
