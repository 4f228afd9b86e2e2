/** The messages of a run under faults, and what their clients were told: one half of the history. */
import type { Sent } from './history.ts'
import type { Told } from './load.ts'
import { type LoadMessage, loadMessage } from './load-message.ts'

/** What one message in twenty is: most are plain, some need more than one attempt or a report. */
const recipientsOf = (n: number): { readonly deliverable: string[]; readonly undeliverable: string[] } => {
  switch (n % 20) {
    case 1:
      return { deliverable: [`a.${n}@x.test`, `b.${n}@y.test`], undeliverable: [] }
    case 2:
      return { deliverable: [`451once.${n}@x.test`], undeliverable: [] }
    case 3:
      return { deliverable: [], undeliverable: [`550.${n}@x.test`] }
    case 4:
      return { deliverable: [`a.${n}@x.test`, `451once.${n}@x.test`], undeliverable: [`550.${n}@x.test`] }
    default:
      return { deliverable: [`a.${n}@x.test`], undeliverable: [] }
  }
}

const fourKilobytes = (): number => 4096

/** Notes before the first octet leaves that a message is on its way, and later what its client was told. */
export function recordMessages(senderDomain: string, bytesOf: (n: number) => number = fourKilobytes) {
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
      const { deliverable, undeliverable } = recipientsOf(n)
      const id = `m${n}`
      const forwardPaths = [...deliverable, ...undeliverable]
      const message = loadMessage({ id, reversePath: `app@${senderDomain}`, forwardPaths }, bytesOf(n))
      sent.set(id, { digest: message.digest, acknowledged: false, deliverable, undeliverable })
      return message
    },
    tell: (told: Told<LoadMessage>): void => {
      const entry = sent.get(told.submission.id)
      if (entry && told.kind === 'acknowledged') sent.set(told.submission.id, { ...entry, acknowledged: true })
      if (told.kind === 'refused') refused.push(`${told.reply.code} ${told.reply.text}`)
      if (told.kind === 'unknown') unknown += 1
    },
  }
}
