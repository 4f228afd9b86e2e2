/** What happens in the operator becomes lines of JSON in its log and values of its metrics. */
import { expect, test } from 'vitest'
import { logOn, telledTo } from '../../../operator/cli/operator-log.ts'
import { resources } from '../../../operator/cluster/api/resource.ts'
import { Pulse } from '../../../operator/cluster/pulse.ts'
import type { Telling } from '../../../operator/cluster/telling.ts'
import { createMetrics } from '../../../operator/metrics.ts'

async function after(...tellings: readonly Telling[]) {
  const lines: Record<string, unknown>[] = []
  const log = logOn({ out: (line) => lines.push(JSON.parse(line)) })
  const metrics = createMetrics()
  const tell = telledTo({ log, metrics, pulse: new Pulse() })
  for (const telling of tellings) tell(telling)
  return { lines, text: await metrics.registry.metrics() }
}

const won: Telling = { about: 'lease', news: { about: 'won', afterTransitions: 3 } }
const lost: Telling = { about: 'lease', news: { about: 'lost' } }
const fleets: Telling = { about: 'fleets', ready: { True: 2, False: 1, Unknown: 0 }, conditions: { SpoolReset: 1 } }
const ends: Telling = {
  about: 'expiries',
  expiries: [{ credential: 'shop/web', ends: 'credential', at: 1_800_000_000 }],
}
const interruption: Telling = {
  about: 'cache',
  news: { about: 'interruption', resource: resources.pods, why: 'silent', waitMs: 250.4 },
}

test.each<[string, Telling, Record<string, unknown>]>([
  ['the Lease is won', won, { level: 30, msg: 'leads', transitions: 3 }],
  ['the Lease is lost', lost, { level: 30, msg: 'leads no longer' }],
  [
    'the Lease can not be read',
    { about: 'lease', news: { about: 'trouble', why: 'late', again: false } },
    { level: 40, msg: 'trouble', part: 'lease', why: 'late' },
  ],
  ['everything is listed', { about: 'synced', ms: 12.3 }, { level: 30, msg: 'synced', ms: 12 }],
  ['a watch is interrupted', interruption, { msg: 'watch interrupted', resource: 'pods', why: 'silent', waitMs: 250 }],
  [
    'a fleet is written',
    { about: 'fleet written', fleet: 'mail/shared', hash: 'sha256:1' },
    { level: 30, msg: 'fleet written', fleet: 'mail/shared', hash: 'sha256:1' },
  ],
  [
    'a policy that was deleted is kept no longer',
    { about: 'policy let go', fleet: 'mail/shared', mail: 'given up' },
    { level: 30, msg: 'policy let go', fleet: 'mail/shared', mail: 'given up' },
  ],
  [
    'something is tried again',
    { about: 'trouble', part: 'fleet', object: 'mail/shared', why: 'quota' },
    { level: 40, msg: 'trouble', part: 'fleet', object: 'mail/shared', why: 'quota' },
  ],
])('there is a line when %s', async (_name, telling, line) => {
  const { lines } = await after(telling)
  expect(lines).toEqual([{ time: expect.stringMatching(/^\d{4}-.*Z$/), level: 40, ...line }])
})

test('what happens all the time makes no line', async () => {
  const { lines } = await after(
    fleets,
    { about: 'turn begins' },
    { about: 'lease', news: { about: 'trouble', why: 'late', again: true } },
    { about: 'done', part: 'turn', ms: 5 },
    { about: 'call', verb: 'get', code: 200 },
    { about: 'cache', news: { about: 'list', resource: resources.pods, objects: 1, ms: 1 } },
  )
  expect(lines).toEqual([])
})

test.each<[string, readonly Telling[], readonly string[]]>([
  ['the leader', [won, fleets], ['relayfleet_leader 1', 'relayfleet_fleets{ready="False"} 1']],
  ['a standby', [], ['relayfleet_leader 0']],
  ['a replica that no longer leads', [won, fleets, lost], ['relayfleet_leader 0']],
  [
    'a turn',
    [{ about: 'done', part: 'turn', ms: 2000 }],
    ['relayfleet_reconcile_duration_seconds_sum{part="turn"} 2', 'le="1",part="turn"} 0', 'le="2.5",part="turn"} 1'],
  ],
  [
    'a credential that ends',
    [ends],
    ['relayfleet_credential_expiry_timestamp_seconds{credential="shop/web",ends="credential"} 1800000000'],
  ],
  [
    'trouble',
    [{ about: 'trouble', part: 'status', why: 'no' }],
    ['relayfleet_reconcile_errors_total{part="status"} 1'],
  ],
  ['an interruption', [interruption], ['relayfleet_watch_restarts_total{resource="pods"} 1']],
  [
    'a request',
    [{ about: 'call', verb: 'apply', code: 409 }],
    ['relayfleet_api_requests_total{verb="apply",code="409"} 1'],
  ],
])('there is a metric for %s', async (_name, tellings, samples) => {
  const { text } = await after(...tellings)
  for (const sample of samples) expect(text).toContain(sample)
})

test('a replica that does not lead exports no count of fleets, so that a sum over the replicas is right', async () => {
  for (const { text } of [await after(), await after(won, fleets, lost)]) {
    expect(text).not.toContain('relayfleet_fleets{')
  }
})

test('a replica that no longer leads exports no expiry and no DKIM keys', async () => {
  const keys: Telling = {
    about: 'dkim keys',
    counts: { Pending: 0, Published: 0, Active: 2, Retiring: 0, Retired: 0 },
  }
  const leading = await after(won, ends, keys)
  expect(leading.text).toContain('relayfleet_dkim_keys{stage="Active"} 2')
  const { text } = await after(won, ends, keys, lost)
  expect(text).not.toContain('shop/web')
  expect(text).not.toContain('relayfleet_dkim_keys{')
})

test('the expiry of a credential that does not end any more is no longer exported', async () => {
  const { text } = await after(won, ends, { about: 'expiries', expiries: [] })
  expect(text).not.toContain('shop/web')
})
