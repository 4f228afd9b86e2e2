/** Clients that are slow, each in its own way, and that keep a session for as long as the relay lets them. */
import { once } from 'node:events'
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Access, SmtpSession } from './smtp-session.ts'

type Slow = (session: SmtpSession) => Promise<void>

const closed = async (session: SmtpSession): Promise<void> => {
  await session.reply().catch(() => undefined)
}

/** Sends these octets again and again until the relay ends the session. */
const drips =
  (octets: string, everyMs: number): Slow =>
  async (session) => {
    for (; !session.closed; await sleep(everyMs)) session.write(octets)
  }

const inContent = async (session: SmtpSession): Promise<void> => {
  await session.command('MAIL FROM:<app@corp.test>')
  await session.command('RCPT TO:<a@x.test>')
  await session.command('DATA')
}

const line = `${'x'.repeat(78)}\r\n`
const header = 'From: <app@corp.test>\r\nSubject: slow\r\n\r\n'

/** All of these are logged in. */
const slow = {
  'silent after its login': closed,
  'drips a command': drips('x', 3000),
  'drips a content more slowly than is allowed': async (session) => {
    await inContent(session)
    session.write(header)
    await drips(line, 1000)(session)
  },
  'holds all of a content that memory takes, and drips on': async (session) => {
    await inContent(session)
    session.write(header + line.repeat(780))
    await drips(line.repeat(25), 3000)(session)
  },
} as const satisfies Record<string, Slow>

export type SlowKind = keyof typeof slow | 'silent before TLS'
export const slowKinds: readonly SlowKind[] = [...(Object.keys(slow) as (keyof typeof slow)[]), 'silent before TLS']

/** Runs one client; resolves when the relay has ended its session. `present` gets 1 when it connects and -1 when it is gone. */
export async function slowClient(kind: SlowKind, access: Access, present: (step: 1 | -1) => void): Promise<void> {
  if (kind === 'silent before TLS') {
    const socket = connect(access).on('error', () => {})
    present(1)
    await once(socket.resume(), 'close').finally(() => present(-1))
    return
  }
  const session = await SmtpSession.open(access)
  present(1)
  await slow[kind](session).finally(() => present(-1))
}
