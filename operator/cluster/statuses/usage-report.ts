/** What a relay answers at /usage; whoever answers is not trusted to be a relay. Pure. */
import type { CredentialUsage, RelayUsage } from '../../../relay/http.ts'
import { amount, bad, items, record, text } from './said.ts'

/** More credentials than fit into the configuration of a fleet. */
const mostCredentials = 100_000

/** @throws Error naming the field that is not as it should be. */
export function usageReport(body: string): RelayUsage {
  const said = record(JSON.parse(body), 'usage')
  return {
    day: wholeDay(said['day']),
    credentials: items(said['credentials'], 'credentials', mostCredentials).map(credential),
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
    ...(refused !== undefined && { lastRefusal: refusal(refused) }),
  }
}

function refusal(value: unknown): NonNullable<CredentialUsage['lastRefusal']> {
  const said = record(value, 'credentials.lastRefusal')
  const at = Date.parse(text(said['at'], 'credentials.lastRefusal.at'))
  return {
    rule: text(said['rule'], 'credentials.lastRefusal.rule').slice(0, 64),
    code: Math.floor(amount(said['code'], 'credentials.lastRefusal.code')) % 1000,
    at: Number.isNaN(at) ? bad('credentials.lastRefusal.at', 'a date and time') : new Date(at).toISOString(),
  }
}
