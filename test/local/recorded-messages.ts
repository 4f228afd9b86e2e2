/** The messages of a run under faults, and the answers to their clients: the sending half of the history. */
import type { Sent } from './history.ts'
import type { Told } from './load.ts'
import { type LoadMessage, loadMessage } from './load-message.ts'
import { senderDomain } from './relay-process.ts'

type Drawing = {
  /** The recipients of the nth message. */
  readonly recipientsOf: (n: number) => readonly string[]
  /** Whether the next hop refuses this recipient for good. */
  readonly isRefused: (forwardPath: string) => boolean
  readonly bytesOf: (n: number) => number
}

/** Most messages have one recipient, who is accepted; of twenty, one has two, and three need another attempt, a DSN or both. */
const oneInTwenty = (n: number): readonly string[] => {
  switch (n % 20) {
    case 1:
      return [`a.${n}@x.test`, `b.${n}@y.test`]
    case 2:
      return [`451once.${n}@x.test`]
    case 3:
      return [`550.${n}@x.test`]
    case 4:
      return [`a.${n}@x.test`, `451once.${n}@x.test`, `550.${n}@x.test`]
    default:
      return [`a.${n}@x.test`]
  }
}

const ordinary: Drawing = {
  recipientsOf: oneInTwenty,
  isRefused: (path) => path.startsWith('550.'),
  bytesOf: () => 4096,
}

/** Notes each message before its first octet is sent, and later the answer to its client. */
export function recordMessages(drawing: Partial<Drawing> = {}) {
  const { recipientsOf, isRefused, bytesOf } = { ...ordinary, ...drawing }
  const sent = new Map<string, Sent>()
  const refused: string[] = []
  let unknown = 0
  let n = 0
  return {
    sent,
    refused,
    unknown: () => unknown,
    next: (): LoadMessage => {
      n += 1
      const id = `m${n}`
      const forwardPaths = recipientsOf(n)
      const message = loadMessage({ id, reversePath: `app@${senderDomain}`, forwardPaths }, bytesOf(n))
      const deliverable = forwardPaths.filter((path) => !isRefused(path))
      sent.set(id, {
        digest: message.digest,
        acknowledged: false,
        deliverable,
        undeliverable: forwardPaths.filter(isRefused),
      })
      return message
    },
    tell: (told: Told<LoadMessage>): void => {
      const { id } = told.submission
      const entry = sent.get(id)
      if (told.kind === 'unknown') unknown += 1
      else if (told.kind === 'refused') refused.push(`${told.reply.code} ${told.reply.text}`)
      else if (entry !== undefined) {
        const [, queueId] = /queued as (\S+)/.exec(told.reply.text) ?? []
        sent.set(id, { ...entry, acknowledged: true, ...(queueId && { queueId }) })
      }
    },
  }
}
