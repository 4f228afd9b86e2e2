/** What a relay answers at /usage. What answers there may be something else, so each field is checked. Pure. */
import { isIP } from 'node:net'
import type { CredentialUsage, KeyUsage, RelayUsage } from '../../../relay/http.ts'
import { withoutZone } from '../../../relay/rules/networks.ts'
import { amount, bad, items, moment, record, text } from './said.ts'

/** More credentials than fit into the configuration of a fleet. */
const mostCredentials = 100_000
const mostKeys = 8 * mostCredentials

/** `keys` is absent where a relay of an earlier version does not tell. */
export type UsageReport = Pick<RelayUsage, 'day' | 'credentials'> & {
  readonly keys?: Pick<RelayUsage, 'now' | 'keys'>
}

/** @throws Error naming the field that is not as it should be. */
export function usageReport(body: string): UsageReport {
  const said = record(JSON.parse(body), 'usage')
  return {
    day: wholeDay(said['day']),
    credentials: items(said['credentials'], 'credentials', mostCredentials).map(credential),
    ...(said['keys'] !== undefined && {
      keys: { now: timeIn(said['now'], 'now'), keys: items(said['keys'], 'keys', mostKeys).map(keyUse) },
    }),
  }
}

const mostDays = 100_000_000
const wholeDay = (value: unknown): number =>
  Number.isInteger(value) && Number(value) >= 0 && Number(value) < mostDays ? Number(value) : bad('day', 'a day')

function credential(value: unknown): CredentialUsage {
  const said = record(value, 'credentials')
  const refused = said['lastRefusal']
  return {
    name: text(said['name'], 'credentials.name'),
    today: Math.floor(amount(said['today'], 'credentials.today')),
    ...(said['fleet'] !== undefined && { fleet: Math.floor(amount(said['fleet'], 'credentials.fleet')) }),
    ...(refused !== undefined && { lastRefusal: refusal(refused) }),
  }
}

function refusal(value: unknown): NonNullable<CredentialUsage['lastRefusal']> {
  const said = record(value, 'credentials.lastRefusal')
  return {
    rule: text(said['rule'], 'credentials.lastRefusal.rule').slice(0, 64),
    code: Math.floor(amount(said['code'], 'credentials.lastRefusal.code')) % 1000,
    at: timeIn(said['at'], 'credentials.lastRefusal.at'),
  }
}

function keyUse(value: unknown): KeyUsage {
  const said = record(value, 'keys')
  const client = text(said['client'], 'keys.client')
  return {
    name: text(said['name'], 'keys.name'),
    key: text(said['key'], 'keys.key'),
    at: timeIn(said['at'], 'keys.at'),
    client: isIP(withoutZone(client)) === 0 ? bad('keys.client', 'an address') : client,
  }
}

const timeIn = (value: unknown, field: string): string => new Date(moment(value, field)).toISOString()
