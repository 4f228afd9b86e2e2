/** The metrics of a relay keep the rules of Prometheus, look at the queue once a scrape, and are there before they count. */
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { createMetrics as createOperatorMetrics } from '../../operator/metrics.ts'
import { createMetrics } from '../../relay/metrics.ts'
import { atRest } from './at-rest.ts'

// `promtool check metrics` asks for the same.
test('only the names of counters end in _total, every metric has a help text, and every name is in base units', async () => {
  const metrics = await createMetrics('mail/shared', () => atRest).registry.getMetricsAsJSON()
  expect(metrics.length).toBeGreaterThan(30)
  for (const { name, help, type } of metrics) {
    expect([name, name.endsWith('_total')]).toEqual([name, String(type) === 'counter'])
    expect([name, help]).not.toEqual([name, ''])
    expect(name).not.toMatch(/_(ms|milliseconds|minutes|kb|mb)(_|$)/)
  }
})

test('the pages of relays and operators tell of which version they are', async () => {
  const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { readonly version: string }
  const relay = createMetrics('mail/shared', () => atRest).registry
  expect(await relay.metrics()).toContain(`relayfleet_build_info{version="${version}",policy="mail/shared"} 1\n`)
  const operator = createOperatorMetrics().registry
  expect(await operator.metrics()).toContain(`relayfleet_build_info{version="${version}"} 1\n`)
})

test('a scrape looks at the queue once, and the next scrape looks again (case R21)', async () => {
  let looks = 0
  const observe = () => ({ ...atRest, sessions: ++looks })
  const { registry } = createMetrics('mail/shared', observe)
  for (const scrape of [1, 2]) {
    expect(await registry.metrics()).toContain(`relayfleet_smtpd_sessions{policy="mail/shared"} ${scrape}\n`)
    expect(looks).toBe(scrape)
    await new Promise(setImmediate)
  }
})

test('a relay without bounces says that they are 0: Prometheus sees increases only, and would miss the first bounce', async () => {
  const { registry, bounces } = createMetrics('mail/shared', () => atRest)
  const told = async () =>
    (await registry.metrics()).split('\n').filter((line) => line.startsWith('relayfleet_bounces'))
  const saying = (refused: number) => [
    `relayfleet_bounces_total{class="refused",policy="mail/shared"} ${refused}`,
    'relayfleet_bounces_total{class="expired",policy="mail/shared"} 0',
  ]
  expect(await told()).toEqual(saying(0))
  bounces.inc({ class: 'refused' })
  expect(await told()).toEqual(saying(1))
})
