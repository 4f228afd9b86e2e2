/** What a SenderDomain's status says of its DNS records, and how a later operator reads that again. Pure. */
import { longestRecord, mostRecords } from '../crds/sender-domain-status.ts'
import type { Condition } from './compile/compiled.ts'
import { notSigned } from './compile/not-signed.ts'
import type { Look } from './dns/verifier.ts'
import type { DomainChecks } from './lifecycle/domain-checks.ts'
import type { DomainRecords, RecordFound } from './lifecycle/domain-records.ts'
import { recordConditions } from './lifecycle/record-conditions.ts'
import { recordStates } from './lifecycle/record-verdict.ts'
import { toTheSecond } from './lifecycle/to-the-second.ts'

export type RecordsSaying = {
  /** Fields of the status: `records` and `brokenSince`. */
  readonly fields: Readonly<Record<string, unknown>>
  readonly conditions: readonly Condition[]
}

type Standing = { readonly conditions: readonly Condition[]; readonly [field: string]: unknown }

/** How often `checkedAt` is updated while nothing else changes: else ten thousand domains would write a status at each look. */
const restateMs = 6 * 3_600_000

/** For records that no operator has looked at yet. */
const pending: RecordsSaying = {
  fields: {},
  conditions: [
    {
      type: 'RecordsPublished',
      status: 'Unknown',
      reason: 'Pending',
      message: 'its records have not been looked at yet',
    },
  ],
}

/** Without a `look`, because this operator has not looked yet, the status keeps what it said `before`. */
export function recordsSaying(
  checks: DomainChecks,
  look: Pick<Look, 'found' | 'at'> | undefined,
  before: Standing,
): RecordsSaying {
  if (look === undefined) return sayingBefore(checks, before)
  const { found, at } = look
  const said = recordsBefore(before)
  const records = found.records.slice(0, mostRecords).map((record) => recordText(record, said))
  const { brokenSince } = found
  return {
    fields: { records, ...(brokenSince !== undefined && { brokenSince: toTheSecond(brokenSince) }) },
    conditions: recordConditions(found, checks.whenBroken, at),
  }
}

const ofRecords = ['SPFValid', 'DKIMValid', 'DMARCValid', 'RecordsPublished']

function sayingBefore({ wanted }: DomainChecks, { conditions, records, brokenSince }: Standing): RecordsSaying {
  const isOpen = wanted.some(({ purpose }) => purpose !== 'RetiredKey')
  if (records === undefined) return isOpen ? pending : { fields: {}, conditions: [] }
  const fields = { records, ...(brokenSince !== undefined && { brokenSince }) }
  return {
    fields,
    conditions: conditions.filter(({ type, reason }) => ofRecords.includes(type) && reason !== notSigned),
  }
}

const cut = (text: string): string => (text.length > longestRecord ? `${text.slice(0, longestRecord - 1)}…` : text)

function recordText(record: RecordFound, said: DomainRecords | undefined) {
  const { name, type, purpose, want, got, state, message, checkedAt } = record
  const fresh = {
    ...{ name, type, purpose, want: cut(want) },
    ...(got !== undefined && { got: cut(got) }),
    state,
    ...(message !== undefined && { message: cut(message) }),
  }
  const before = said?.records.find((r) => isSame(r, fresh))
  const isRecent = before !== undefined && checkedAt - before.checkedAt < restateMs
  return { ...fresh, checkedAt: toTheSecond(isRecent ? before.checkedAt : checkedAt) }
}

const compared = ['name', 'type', 'purpose', 'want', 'got', 'state', 'message'] as const
type Compared = Partial<Record<(typeof compared)[number], string>>
const isSame = (a: Compared, b: Compared): boolean => compared.every((field) => a[field] === b[field])

/**
 * The records that a status tells of; undefined where it tells of none. Others may write statuses, so what is not well-formed is
 * ignored.
 */
export function recordsBefore({ records, brokenSince }: Readonly<Record<string, unknown>>): DomainRecords | undefined {
  if (!Array.isArray(records)) return undefined
  const read = records.flatMap((record) => recordIn((record ?? {}) as Readonly<Record<string, unknown>>) ?? [])
  const since = Date.parse(String(brokenSince))
  return { records: read, ...(Number.isNaN(since) ? {} : { brokenSince: since }) }
}

function recordIn(record: Readonly<Record<string, unknown>>): RecordFound | undefined {
  const text = (field: string): string | undefined => {
    const value = record[field]
    return typeof value === 'string' ? value : undefined
  }
  const [name, want, got, message] = [text('name'), text('want'), text('got'), text('message')]
  const type = (['TXT', 'CNAME'] as const).find((t) => t === record['type'])
  const purpose = (['SPF', 'DKIM', 'DMARC', 'RetiredKey'] as const).find((p) => p === record['purpose'])
  const state = recordStates.find((s) => s === record['state'])
  const checkedAt = Date.parse(String(record['checkedAt']))
  if (name === undefined || want === undefined || type === undefined || purpose === undefined) return undefined
  if (state === undefined || Number.isNaN(checkedAt)) return undefined
  return {
    ...{ name, type, purpose, want, state, checkedAt },
    ...(got !== undefined && { got }),
    ...(message !== undefined && { message }),
    ...{ seen: 'nowhere', showing: [], otherwise: [], doubts: [], isUnresolved: false, notes: [] },
  }
}
