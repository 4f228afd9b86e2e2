/** Reads the captured mail of all fleets, which was kept instead of being sent (recipients.mode Capture). */
import { closeSync, existsSync, openSync, readdirSync, readFileSync, readSync } from 'node:fs'
import { join } from 'node:path'
import type { Envelope } from '../../relay/mail/envelope.ts'
import type { Name } from '../compile/snapshot.ts'
import type { State } from './state.ts'

export type Captured = {
  readonly policy: Name
  readonly envelope: Envelope
  /** The message as it was received. */
  readonly file: string
}

/** All captured messages, the oldest first. A message that can not be read, or lacks one of its two files, is left out. */
export const capturedMail = (state: State): readonly Captured[] =>
  state
    .fleets()
    .flatMap((policy) => queueIdsIn(state.fleet(policy).inbox).flatMap((id) => capturedIn(state, policy, id)))
    .toSorted((a, b) => a.envelope.acceptedAt - b.envelope.acceptedAt)

/** The captured message with this queue id, if there is one. */
export const capturedBy = (state: State, queueId: string): Captured | undefined =>
  state.fleets().flatMap((policy) => capturedIn(state, policy, queueId))[0]

export const contentOf = ({ file }: Captured): string => readFileSync(file, 'utf8')

/** Enough for the largest header that relays accept, and our own Received field. */
const headBytes = 128 * 1024
/** For one after the other: as much for each of 100,000 messages would take four fifths of the time of a list. */
const head = Buffer.allocUnsafeSlow(headBytes)

/** The beginning of a message, with its whole header; undefined where the file was deleted meanwhile. */
export function headOf({ file }: Captured): string | undefined {
  try {
    const opened = openSync(file, 'r')
    try {
      return head.toString('utf8', 0, readSync(opened, head))
    } finally {
      closeSync(opened)
    }
  } catch {
    return undefined
  }
}

/** The unfolded value of a header field, not decoded; undefined where the message does not have the field. */
export function headerOf(content: string, name: string): string | undefined {
  const header = content.split(/\r?\n\r?\n/, 1)[0] ?? ''
  const value = new RegExp(`^${name}:((?:.|\\r?\\n[ \\t])*)`, 'im').exec(header)?.[1]
  return value?.replaceAll(/\r?\n[ \t]+/g, ' ').trim()
}

// The relay writes the .json file last, so a message that has one is complete.
function queueIdsIn(inbox: string): readonly string[] {
  try {
    return readdirSync(inbox).flatMap((file) => (file.endsWith('.json') ? [file.slice(0, -'.json'.length)] : []))
  } catch {
    return []
  }
}

function capturedIn(state: State, policy: Name, queueId: string): readonly Captured[] {
  const { inbox } = state.fleet(policy)
  const file = join(inbox, `${queueId}.eml`)
  try {
    const { envelope } = JSON.parse(readFileSync(join(inbox, `${queueId}.json`), 'utf8')) as { envelope?: Envelope }
    return envelope?.queueId === queueId && existsSync(file) ? [{ policy, envelope, file }] : []
  } catch {
    return []
  }
}
