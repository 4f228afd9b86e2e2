/**
 * Which spool each relay of a fleet has. One that comes up with another than it had has lost sight of mail that was
 * accepted, and that is told until the old one is back or a person lets it go (case S30). Pure.
 */
import type { Condition } from './compile/compiled.ts'
import { acceptSpool } from './compile/own-annotations.ts'
import { few } from './few.ts'

/** What is remembered of one relay, by the name of its pod; in a status it outlives the operator. */
export type SpoolRecord = {
  readonly name: string
  /** The spool that its mail was accepted in. */
  readonly id: string
  /** The one that it came up with instead. */
  readonly found?: string
  /** It has left the fleet, with no mail in what it had found: what it had before is missed still. */
  readonly left?: true
}

type Seen = { readonly name: string; readonly id: string | undefined }

/** The records after what was seen; the first spool of a relay is no news. `accepted`: ids that a person has said yes to. */
export function spoolsNow(
  before: readonly SpoolRecord[],
  seen: readonly Seen[],
  accepted: readonly string[],
): readonly SpoolRecord[] {
  const records = new Map(before.map((record) => [record.name, record]))
  for (const { name, id } of seen) if (id !== undefined) records.set(name, afterSeeing(records.get(name), name, id))
  return [...records.values()]
    .flatMap((record) => (accepted.includes(record.found ?? '') ? afterYes(record) : [record]))
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
}

const afterYes = ({ name, found = '', left }: SpoolRecord): readonly SpoolRecord[] =>
  left === true ? [] : [{ name, id: found }]

/** Whose relay leaves with no mail needs no record; but a smaller fleet brings no lost mail back. */
export const afterLeaving = (record: SpoolRecord): readonly SpoolRecord[] =>
  record.found === undefined ? [] : [{ ...record, left: true }]

/** The names of the relays that may hold mail, by what is remembered of them. */
export const mayHoldMail = (records: readonly SpoolRecord[]): readonly string[] =>
  records.flatMap(({ name, left }) => (left === true ? [] : [name]))

function afterSeeing(record: SpoolRecord | undefined, name: string, seen: string): SpoolRecord {
  if (record === undefined || record.id === seen) return { name, id: seen }
  return { name, id: record.id, found: seen }
}

/** `where`: where a person looks for the spool of this relay. Undefined where every relay has its own. */
export function spoolReset(records: readonly SpoolRecord[], where: (name: string) => string): Condition | undefined {
  const changed = records.filter(({ found }) => found !== undefined)
  if (changed.length === 0) return undefined
  const told = changed.map(
    ({ name, id, found, left }) =>
      `${name} ${left === true ? 'had' : 'has'} spool ${found} in place of ${id} (${where(name)})`,
  )
  const yes = changed.map(({ found }) => found).join(',')
  return {
    type: 'SpoolReset',
    status: 'True',
    reason: changed.some(({ found }) => records.some(({ id }) => id === found)) ? 'SpoolsExchanged' : 'SpoolReplaced',
    message:
      `mail that was accepted is in a spool that is no longer there: ${few(told)}; put it back, and its mail is ` +
      `delivered; if it is lost for good, annotate the policy with ${acceptSpool}=${yes}`,
  }
}

/** Out of a status as it stands; what is none is left out. */
export function spoolsIn(status: Readonly<Record<string, unknown>> | undefined): readonly SpoolRecord[] {
  const spools = status?.['spools']
  return Array.isArray(spools) ? (spools as readonly SpoolRecord[]).filter(isRecord) : []
}

const isRecord = (one: SpoolRecord | null): boolean => typeof one?.name === 'string' && typeof one.id === 'string'
