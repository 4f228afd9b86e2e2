/** Prints how a domain's records are: as JSON, and for a person who has a DNS provider's form or a zone file to fill in. Pure. */
import type { Name } from '../compile/snapshot.ts'
import { targetZoneOf } from '../lifecycle/delegated-selectors.ts'
import type { DomainRecords, RecordFound } from '../lifecycle/domain-records.ts'
import { isBroken } from '../lifecycle/domain-records.ts'
import { scoreOf } from '../lifecycle/record-score.ts'
import { organizationalDomain } from '../lifecycle/records-wanted.ts'
import { formFields, zoneFileLine } from '../lifecycle/txt-record.ts'
import { table } from './table.ts'
import type { Style, Terminal } from './terminal.ts'

export type DomainLooked = {
  readonly name: Name
  readonly domain: string
  readonly found: DomainRecords
  readonly unsigned?: string
}

/** The zone in whose form a record is entered: the domain's, or the target zone of a delegated selector. */
const zoneOf = ({ name }: RecordFound, domain: string): string => targetZoneOf(name) ?? organizationalDomain(domain)

const published = ({ name, type, want }: RecordFound) => ({ name, type, value: want })

export function domainJson({ name, domain, found, unsigned }: DomainLooked) {
  return {
    name,
    domain,
    score: scoreOf(found.records, unsigned),
    records: found.records.map((record) => {
      const { purpose, type, want, got, state, message, seen, showing, otherwise, doubts, notes } = record
      return {
        ...{ purpose, name: record.name, type, state, want },
        ...(got !== undefined && { got }),
        ...(message !== undefined && { message }),
        ...{ seen, showing, otherwise, doubts, notes },
        // The record of a retired key has to go, so there is nothing to publish.
        ...(purpose !== 'RetiredKey' && {
          zoneFile: zoneFileLine(published(record)),
          form: formFields(published(record), zoneOf(record, domain)),
        }),
      }
    }),
  }
}

const styles = {
  Match: 'good',
  Missing: 'bad',
  Mismatch: 'bad',
  Duplicate: 'bad',
  Leftover: 'warn',
  Unknown: 'warn',
} as const satisfies Record<RecordFound['state'], Style>

export function* domainLines({ name, domain, found, unsigned }: DomainLooked, terminal: Terminal): Generator<string> {
  const { points, reasons } = scoreOf(found.records, unsigned)
  yield terminal.style('strong', `SenderDomain ${name} (${domain}): ${points} of 100 points`)
  const rows = found.records.map(({ purpose, state, type, name: at }) => [purpose, state, `${type} ${at}`])
  const lines = table(rows)
  for (const [i, record] of found.records.entries()) {
    yield `  ${terminal.style(styles[record.state], lines[i] ?? '')}`
    for (const doubt of record.doubts) yield terminal.style('warn', `      ${doubt}`)
    if (record.got !== undefined && record.state !== 'Match') yield `      is: ${record.got}`
  }
  for (const reason of reasons) yield `  ${reason}`
  // Spare records, too: the next key waits for them.
  const lacking = found.records.filter(({ state }) => isBroken({ state }))
  if (lacking.length > 0) yield* toPublish(lacking, domain)
}

/** A wrong record has to be replaced, so its whole value is shown. */
function* toPublish(lacking: readonly RecordFound[], domain: string): Generator<string> {
  yield '  for a zone file:'
  for (const record of lacking) yield `    ${zoneFileLine(published(record))}`
  for (const [zone, records] of Map.groupBy(lacking, (record) => zoneOf(record, domain))) {
    yield `  for a form of the zone ${zone} (the value in one piece, without quotes):`
    for (const record of records) {
      const { host, type, value } = formFields(published(record), zone)
      yield `    host ${host}   type ${type}   value ${value}`
    }
  }
}
