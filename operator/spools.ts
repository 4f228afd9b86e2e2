/**
 * Which spool each relay of a fleet has. A relay that starts with another spool than before no longer has mail that was
 * accepted; the condition SpoolReset says so until the old spool is back, or a person gives it up (case S30). Pure.
 */
import type { Condition } from './compile/compiled.ts'
import { acceptSpool } from './compile/own-annotations.ts'
import { few } from './few.ts'

/** What is remembered of one relay. It is kept in the policy's status, and so survives the operator. */
export type SpoolRecord = {
  readonly name: string
  /** The id of the spool in which its mail was accepted. */
  readonly id: string
  /** The id of the spool with which it started instead. */
  readonly found?: string
  /** The relay has left the fleet, with no mail in the spool `found`; the spool `id` is still missing. */
  readonly left?: true
}

type Seen = { readonly name: string; readonly id: string | undefined }

/**
 * The records after what was seen; the first spool of a relay is simply recorded. `accepted`: ids that a person has accepted by
 * annotation.
 */
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

/**
 * The record of a relay that leaves without mail is dropped, unless its earlier spool is missing: scaling down must not hide
 * that.
 */
export const afterLeaving = (record: SpoolRecord): readonly SpoolRecord[] =>
  record.found === undefined ? [] : [{ ...record, left: true }]

/** The names of the relays that may still hold mail: all but those that have left. */
export const mayHoldMail = (records: readonly SpoolRecord[]): readonly string[] =>
  records.flatMap(({ name, left }) => (left === true ? [] : [name]))

function afterSeeing(record: SpoolRecord | undefined, name: string, seen: string): SpoolRecord {
  if (record === undefined || record.id === seen) return { name, id: seen }
  return { name, id: record.id, found: seen }
}

/** Undefined where every relay has its own spool. `where`: the place of a relay's spool, for the message. */
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

/** The records in a status as it was read; what is not well-formed is left out. */
export function spoolsIn(status: Readonly<Record<string, unknown>> | undefined): readonly SpoolRecord[] {
  const spools = status?.['spools']
  return Array.isArray(spools) ? (spools as readonly SpoolRecord[]).filter(isRecord) : []
}

const isRecord = (one: SpoolRecord | null): boolean => typeof one?.name === 'string' && typeof one.id === 'string'
