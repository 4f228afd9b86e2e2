/** The dashboards are in the chart as printed, show every metric, and a Prometheus that scraped a fleet answers each of their queries. */
import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { grafanaJson, type Panel, type Query } from '../../monitoring/dashboards/dashboard.ts'
import { dashboardFile, dashboards } from '../../monitoring/print.ts'
import { createMetrics as createOperatorMetrics } from '../../operator/metrics.ts'
import { createMetrics } from '../../relay/metrics.ts'
import { nodemailer } from '../local/client.ts'
import { plainReceiver, routeTo, smallFleet } from '../local/documents.ts'
import { message } from '../local/message.ts'
import { installed } from '../local/programs.ts'
import { type Prometheus, startPrometheus } from '../local/prometheus.ts'
import { openStage, type Stage } from '../local/stage.ts'
import { until } from '../local/until.ts'
import { atRest } from '../relay/at-rest.ts'
import { busyOperator, busyRelay, type Page } from './all-that-happens.ts'

type Shown = { readonly where: string; readonly panel: Panel; readonly query: Query }
const shown: readonly Shown[] = dashboards.flatMap(({ uid, rows }) =>
  rows.flatMap(({ panels }) =>
    panels.flatMap((panel) => panel.queries.map((query) => ({ where: `${uid}: ${panel.title}`, panel, query }))),
  ),
)

test.each(dashboards.map((d) => [d.uid, d] as const))('%s is in the chart as it is printed', (_uid, dashboard) => {
  expect(readFileSync(dashboardFile(dashboard), 'utf8'), 'npm run monitoring').toBe(grafanaJson(dashboard))
})

test('every dashboard has a uid of its own, and every panel a title of its own, a description and a unit', () => {
  expect(new Set(dashboards.map(({ uid }) => uid)).size).toBe(dashboards.length)
  for (const { rows } of dashboards) {
    const titles = rows.flatMap(({ panels }) => panels.map(({ title }) => title))
    expect(titles).toEqual([...new Set(titles)])
  }
  for (const { where, panel } of shown) {
    expect([where, panel.description]).toEqual([where, expect.stringMatching(/^.{5,}[.]$/)])
    expect([where, panel.unit]).toEqual([where, expect.stringMatching(/./)])
  }
})

type GrafanaPanel = { readonly id: number; readonly gridPos: Readonly<Record<'x' | 'y' | 'w' | 'h', number>> }
test.each(
  dashboards.map((d) => [d.uid, d] as const),
)('%s: no panel covers another or leaves the grid', (_uid, dashboard) => {
  const { panels } = JSON.parse(grafanaJson(dashboard)) as { readonly panels: readonly GrafanaPanel[] }
  expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length)
  const fields = panels.flatMap(({ gridPos: { x, y, w, h } }) =>
    Array.from({ length: w * h }, (_, i) => `${x + (i % w)},${y + Math.floor(i / w)}`),
  )
  expect(fields.filter((field) => Number(field.split(',')[0]) >= 24)).toEqual([])
  expect(new Set(fields).size).toBe(fields.length)
})

test('every metric of ours is on a dashboard, and no dashboard asks for one that does not exist', () => {
  const registries = [createMetrics('mail/shared', () => atRest).registry, createOperatorMetrics().registry]
  const ours = registries
    .flatMap((r) => r.getMetricsAsArray().map(({ name }) => name))
    .filter((n) => /^relayfleet_/.test(n))
  const asked = shown.flatMap(({ query }) => [...query.expr.matchAll(/relayfleet_[a-z_]+/g)].map(([name]) => name))
  expect([...new Set(asked.map((name) => name.replace(/_bucket$/, '')))].toSorted()).toEqual(
    [...new Set(ours)].toSorted(),
  )
})

/** The query as Grafana sends it when every variable is set to All. */
const asAsked = ({ expr }: Query, instance = '.*'): string =>
  expr
    .replaceAll('$instance', instance)
    .replaceAll(/\$(?:policy|job|smarthost)/g, '.*')
    .replaceAll('$__rate_interval', '30s')

/** The panels that stay empty for a fleet without a store of limits, without DKIM keys and without limits. */
const notOfThisFleet = [
  'Store of limits',
  'Who counts',
  'Used of the day',
  'Signatures',
  'Not signed',
  'Too much for now',
]

describe.runIf(installed('promtool', 'aiosmtpd'))('on a Prometheus that scraped a fleet', () => {
  let stage: Stage
  let prometheus: Prometheus
  let real: string
  const pages: Page[] = []
  beforeAll(async () => {
    stage = openStage()
    const receiver = await stage.receiver()
    const fleet = await stage.fleet(await smallFleet({ routes: [routeTo(plainReceiver(receiver.port))] }))
    const from = 'app@corp.test'
    const binding = fleet.binding('app')
    const send = (to: string) => nodemailer(binding, { from, to, raw: message({ from, id: `${to}.1@corp.test` }) })
    // A rate needs two samples of a counter, so Prometheus has to see a first round of mail and then a second one.
    const round = async (): Promise<void> => {
      for (const to of ['someone@elsewhere.test', '550.nobody@elsewhere.test', '450.later@elsewhere.test'])
        expect(await send(to)).toMatchObject({ code: 250 })
      const stranger = { ...binding, login: { ...binding.login, password: 'guessed' } }
      expect(await nodemailer(stranger, { from, to: from, raw: '' })).toMatchObject({ code: 535 })
    }
    await round()
    const port = fleet.httpPort()
    pages.push(await busyRelay(), await busyOperator())
    const [relay, operator] = pages
    prometheus = await startPrometheus(stage.folder, {
      real: port,
      relays: relay?.port ?? 0,
      operator: operator?.port ?? 0,
    })
    real = `127.0.0.1:${port}`
    await until(
      'all are scraped twice',
      async () => (await prometheus.query('count_over_time(up[1m]) > 1')).length === 3,
      30_000,
    )
    await round()
    const counted = `increase(relayfleet_bounces_total{instance="${real}"}[30s]) > 0`
    await until('what has happened is scraped', async () => (await prometheus.query(counted)).length > 0, 30_000)
  }, 90_000)
  afterAll(async () => {
    for (const page of pages) page.close()
    await prometheus?.stop()
    await stage.close()
  })

  test.each(shown.map((s) => [`${s.where} (${s.query.legend})`, s] as const))('Prometheus answers %s', async (_name, {
    query,
  }) => {
    const series = await prometheus.query(asAsked(query))
    expect(series.length).toBeGreaterThan(0)
    // A label that the legend names has to be in the series: without it the line has no name.
    const named = [...query.legend.matchAll(/\{\{(\w+)\}\}/g)].map(([, label]) => label ?? '')
    for (const label of named) expect(series.filter((s) => s[label] !== undefined).length, label).toBeGreaterThan(0)
  })

  test('a small fleet fills every panel but those of features that it does not use', async () => {
    const missing: string[] = []
    for (const { panel, query } of shown.filter(({ where }) => !where.startsWith('relayfleet-operator')))
      if ((await prometheus.query(asAsked(query, real))).length === 0) missing.push(panel.title)
    expect([...new Set(missing)].toSorted()).toEqual(notOfThisFleet.toSorted())
  })
})
