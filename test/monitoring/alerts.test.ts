/** On a real rule engine, each alert fires while its trouble lasts, and none fires on a fleet that is healthy. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { alerts } from '../../monitoring/alerts.ts'
import { pagesFile, printedPages, printedRules, rulesFile, runbooks } from '../../monitoring/print.ts'
import { createMetrics as createOperatorMetrics } from '../../operator/metrics.ts'
import { createMetrics } from '../../relay/metrics.ts'
import { installed, programFile } from '../local/programs.ts'
import { atRest } from '../relay/at-rest.ts'

/** Samples half a minute apart, as promtool reads them: `0x3 1x9` is four of 0 and ten of 1, `_` is none, `stale` ends the series. */
type Series = Readonly<Record<string, string>>

/** The alerts that fire at each of these minutes. */
function firing(series: Series, ...minutes: readonly number[]): readonly (readonly string[])[] {
  const folder = mkdtempSync(join(tmpdir(), 'relayfleet-alerts-'))
  const file = (name: string, content: unknown): string => {
    writeFileSync(join(folder, name), JSON.stringify(content))
    return join(folder, name)
  }
  const rules = join(folder, 'rules.yaml')
  writeFileSync(rules, printedRules())
  const input = Object.entries(series).map(([name, values]) => ({ series: name, values }))
  // No sample is expected, so that promtool prints each alert that fires, with its name and the time.
  const fired = minutes.map((at) => ({
    expr: `label_replace(group by (alertname) (ALERTS{alertstate="firing"}), "at", "${at}", "", "")`,
    eval_time: `${at * 60}s`,
    exp_samples: [],
  }))
  const asked = { interval: '30s', input_series: input, promql_expr_test: fired }
  const tests = file('tests.json', { rule_files: [rules], evaluation_interval: '30s', tests: [asked] })
  const done = spawnSync(programFile('promtool') ?? '', ['test', 'rules', tests], { encoding: 'utf8' })
  rmSync(folder, { recursive: true, force: true })
  const told = [...`${done.stdout}${done.stderr}`.matchAll(/\{alertname=("(?:[^"\\]|\\.)*"), at="([^"]*)"\}/g)]
  if (done.status !== 0) expect(told, `${done.stdout}${done.stderr}`).not.toEqual([])
  return minutes.map((at) =>
    told.flatMap(([, name = '', when]) => (when === `${at}` ? [String(JSON.parse(name))] : [])),
  )
}

/** The series of a fleet at rest, from its first scrape on. */
async function healthy(): Promise<Series> {
  const relay = createMetrics('mail/shared', () => atRest)
  relay.certificateExpiry.set({ listener: 'submission' }, 90 * 86_400)
  const operator = createOperatorMetrics()
  operator.leader.set(1)
  operator.fleets.set({ ready: 'True' }, 3)
  const told = [await relay.registry.metrics(), await operator.registry.metrics()].join('\n').split('\n')
  const samples = told.flatMap((line) => /^(relayfleet_\S+(?: [^}]*})?) (\S+)$/.exec(line) ?? [])
  const pairs = samples.flatMap((_, at) => (at % 3 === 0 ? [[samples[at + 1] ?? '', `${samples[at + 2]}x400`]] : []))
  return Object.fromEntries(pairs)
}

test('the rules in the chart and the pages of the alerts are as printed, and no two alerts have one name', () => {
  expect(readFileSync(rulesFile, 'utf8'), 'npm run monitoring').toBe(printedRules())
  expect(readFileSync(pagesFile, 'utf8'), 'npm run monitoring').toBe(printedPages())
  expect(new Set(alerts.map(({ name }) => name)).size).toBe(alerts.length)
})

test('the page of RelayfleetConfigurationNotInForce has each line that a relay logs of what it could not load', () => {
  const events = readFileSync(join(pagesFile, '..', '..', 'relay', 'events.ts'), 'utf8')
  const logged = [...events.matchAll(/log\.error\(\{[^}]*\}, '(configuration [^';]*|a file can not be used)/g)]
  expect(logged.length).toBe(3)
  const { diagnosis = '' } = alerts.find(({ name }) => name === 'RelayfleetConfigurationNotInForce') ?? {}
  expect(logged.map(([, line]) => line).filter((line) => !diagnosis.includes(`\`${line}\``))).toEqual([])
})

/** The anchors of the headings of a page beside those of the alerts. */
const anchors = (file: string): readonly string[] =>
  [...readFileSync(join(pagesFile, '..', file), 'utf8').matchAll(/^#+ (.*)$/gm)].map(([, title = '']) =>
    title
      .toLowerCase()
      .replaceAll(/[^\w -]/g, '')
      .replaceAll(' ', '-'),
  )

test('every heading that the pages of the alerts link to exists', () => {
  const targets = [...printedPages().matchAll(/\]\((?:(\w+\.md))?#([\w-]+)\)/g)]
  expect(targets.length).toBeGreaterThan(5)
  for (const [, file = 'alerts.md', anchor] of targets) expect(anchors(file)).toContain(anchor)
})

test('the runbook_url of each alert in the chart leads to the heading of its page', () => {
  const led = [...readFileSync(rulesFile, 'utf8').matchAll(/alert: (\w+)|runbook_url: ([^#\s]+)#(\S+)/g)]
  expect(led.flatMap(([, name]) => name ?? [])).toEqual(alerts.map(({ name }) => name))
  const urls = led.filter(([, name]) => name === undefined)
  expect(urls.map(([, , page]) => page)).toEqual(alerts.map(() => runbooks))
  expect(pagesFile.endsWith(`${new URL(runbooks).pathname}.md`)).toBe(true)
  expect(urls.filter(([, , , anchor = '']) => !anchors('alerts.md').includes(anchor))).toEqual([])
  expect(new Set(urls.map(([, , , anchor]) => anchor)).size).toBe(alerts.length)
})

describe.runIf(installed('promtool'))('on a rule engine', () => {
  test('no alert fires on a fleet at rest, from its start on', async () => {
    expect(firing(await healthy(), 0, 1, 30, 180)).toEqual([[], [], [], []])
  })

  test('no alert fires while another replica of the operator takes over', () => {
    const series = { 'relayfleet_leader{pod="a"}': '1x20 stale', 'relayfleet_leader{pod="b"}': '0x21 1x40' }
    expect(firing(series, 10, 10.5, 11, 12).flat()).toEqual([])
  })

  test('of two releases in namespaces of their own each needs its own leader, and RelayfleetNoLeader fires where one has none', () => {
    const released = (b: string) => ({
      'relayfleet_leader{namespace="a",pod="1"}': '1x60',
      'relayfleet_leader{namespace="b",pod="2"}': b,
    })
    expect(firing(released('1x60'), 20)).toEqual([[]])
    expect(firing(released('0x60'), 20)).toEqual([['RelayfleetNoLeader']])
  })

  test('no alert fires while a relay is replaced by another version of it', () => {
    const series = {
      'relayfleet_leader{pod="a"}': '1x60',
      'relayfleet_ready{instance="a"}': '1x20 0 stale',
      'relayfleet_ready{instance="b"}': '_x21 0 1x40',
    }
    expect(firing(series, 10.5, 11, 12).flat()).toEqual([])
  })

  test('no alert fires while the relays of a fleet load an edit, and Ready is Unknown', () => {
    const series = {
      'relayfleet_leader{pod="a"}': '1x60',
      'relayfleet_fleets{ready="True"}': '3x20 2x2 3x40',
      'relayfleet_fleets{ready="Unknown"}': '0x20 1x2 0x40',
    }
    expect(firing(series, 10.5, 11.5, 12).flat()).toEqual([])
  })

  test.each([
    ['relayfleet_reconcile_errors_total{part="binding"}', 'RelayfleetOperatorTrouble'],
    ['relayfleet_reconcile_errors_total{part="lease"}', 'RelayfleetOperatorTrouble'],
    [
      'relayfleet_smtpd_messages_total{result="refused",rule="always.unavailable",policy="mail/shared"}',
      'RelayfleetMailNotStored',
    ],
    [
      'relayfleet_smtpd_messages_total{result="refused",rule="queue.storage",policy="mail/shared"}',
      'RelayfleetMailNotStored',
    ],
  ])('the very first count of %s fires an alert, since the counter is exported as 0 before it', async (counter, is) => {
    const series = await healthy()
    expect(series[counter]).toBe('0x400')
    expect(firing({ ...series, [counter]: '0x20 1x100' }, 12)).toEqual([[is]])
  })

  /** In minutes: at `from` and at `until` the alert `is` has to fire, and at `over` none. */
  type Trouble = { what: string; scraped: Series; is: string; from: number; until: number; over?: number }
  const troubles: readonly Trouble[] = [
    {
      what: 'no replica of the operator leads',
      scraped: { 'relayfleet_leader{pod="a"}': '1x20 0x60', 'relayfleet_leader{pod="b"}': '0x80' },
      is: 'RelayfleetNoLeader',
      from: 12,
      until: 40,
    },
    {
      what: 'the operator has no pod',
      scraped: { 'relayfleet_leader{pod="a"}': '1x20 stale', 'relayfleet_leader{pod="b"}': '0x20 stale' },
      is: 'RelayfleetNoLeader',
      from: 12,
      until: 40,
    },
    {
      what: 'a relay that is killed a second time has one open attempt, as the first time',
      scraped: {
        'relayfleet_delivery_ambiguous_total{instance="a"}': '1x120 _x2 1x120',
        'process_start_time_seconds{instance="a"}': '-9x120 _x2 3700x120',
      },
      is: 'RelayfleetPerhapsTwice',
      from: 63,
      until: 75,
      over: 90,
    },
    {
      what: 'a relay that is restarted finds one damaged file, as at its first start',
      scraped: {
        'relayfleet_spool_quarantined_total{instance="a"}': '1x200 _x2 1x200',
        'process_start_time_seconds{instance="a"}': '-9x200 _x2 6100x200',
      },
      is: 'RelayfleetSpoolDamaged',
      from: 103,
      until: 155,
      over: 180,
    },
    {
      what: 'a new relay begins with one open attempt',
      scraped: {
        'relayfleet_delivery_ambiguous_total{instance="a"}': '_x40 1x120',
        'process_start_time_seconds{instance="a"}': '_x40 1210x120',
      },
      is: 'RelayfleetPerhapsTwice',
      from: 21,
      until: 34,
      over: 37,
    },
    {
      what: 'attempts stay without a reply while a relay runs',
      scraped: {
        'relayfleet_delivery_ambiguous_total{instance="a"}': '0x200 1x2 4x100',
        'process_start_time_seconds{instance="a"}': '0x400',
      },
      is: 'RelayfleetPerhapsTwice',
      from: 101,
      until: 115,
      over: 119,
    },
    {
      what: 'a relay is not ready, so that nobody submits mail to it',
      scraped: { 'relayfleet_ready{instance="a"}': '1x20 0x60 1x100' },
      is: 'RelayfleetRelayNotReady',
      from: 12,
      until: 40,
      over: 42,
    },
    {
      what: 'something else fills the volume while the queue is empty',
      scraped: {
        'relayfleet_spool_free_bytes{instance="a"}': '500000000x20 44000000x60 500000000x60',
        'relayfleet_spool_used_bytes{instance="a"}': '0x200',
        'relayfleet_spool_room_bytes{instance="a"}': '460000000x20 4000000x60 460000000x60',
        'relayfleet_spool_capacity_bytes{instance="a"}': '600000000x200',
      },
      is: 'RelayfleetSpoolNearlyFull',
      from: 11,
      until: 40,
      over: 42,
    },
    {
      what: 'a relay refuses an edit, which stays for a while',
      scraped: {
        'relayfleet_config_errors_total{instance="a"}': '0x20 1x200',
        'relayfleet_config_ok{instance="a"}': '1x20 0x80 1x60',
      },
      is: 'RelayfleetConfigurationNotInForce',
      from: 13,
      until: 49,
      over: 53,
    },
    {
      what: 'a relay starts with the last good configuration',
      scraped: {
        'relayfleet_config_errors_total{instance="a"}': '_x20 1x200',
        'relayfleet_config_ok{instance="a"}': '_x20 0x200',
      },
      is: 'RelayfleetConfigurationNotInForce',
      from: 13,
      until: 49,
    },
    {
      what: 'a fleet is not ready',
      scraped: { 'relayfleet_fleets{ready="True"}': '1x20 0x60', 'relayfleet_fleets{ready="False"}': '0x20 1x60 0x60' },
      is: 'RelayfleetFleetNotReady',
      from: 16,
      until: 40,
      over: 42,
    },
    {
      what: 'a fleet is ready and Degraded',
      scraped: {
        'relayfleet_fleets{ready="True"}': '1x200',
        'relayfleet_fleets_with_condition{condition="Degraded"}': '0x20 1x60 0x60',
      },
      is: 'RelayfleetFleetDegraded',
      from: 16,
      until: 40,
      over: 42,
    },
    {
      what: 'a queue is full',
      scraped: { 'relayfleet_smtpd_messages_total{result="refused",rule="queue.storage"}': '_x20 1+1x20 21x60' },
      is: 'RelayfleetMailNotStored',
      from: 12,
      until: 20,
      over: 27,
    },
    {
      what: 'mail does not leave the queue',
      scraped: { 'relayfleet_queue_oldest_message_age_seconds{instance="a"}': '0+30x60 0x20' },
      is: 'RelayfleetMailDoesNotLeave',
      from: 11,
      until: 30,
      over: 31,
    },
    {
      what: 'a certificate is about to end, and then renewed',
      scraped: { 'relayfleet_certificate_expiry_timestamp_seconds{instance="a"}': '605400x60 9999999x60' },
      is: 'RelayfleetCertificateEnds',
      from: 11,
      until: 30,
      over: 31,
    },
    {
      what: 'log lines are lost, since nobody reads them',
      scraped: { 'relayfleet_log_lines_lost_total{instance="a"}': '0x20 5+5x20 105x60' },
      is: 'RelayfleetLogLinesLost',
      from: 11,
      until: 20,
      over: 27,
    },
    {
      what: 'a relay that has to leave stays for more than an hour',
      scraped: { 'relayfleet_fleets_with_condition{condition="ScalingDown"}': '0x10 1x200 0x20' },
      is: 'RelayfleetRelayDoesNotLeave',
      from: 67,
      until: 105,
      over: 107,
    },
    {
      what: 'a relay has another spool than before',
      scraped: { 'relayfleet_fleets_with_condition{condition="SpoolReset"}': '0x20 1x60 0x20' },
      is: 'RelayfleetSpoolReset',
      from: 11,
      until: 40,
      over: 42,
    },
    {
      what: 'the DNS record of a sender domain is wrong',
      scraped: { 'relayfleet_sender_domain_record_ok{record="SPF",sender_domain="mail/a"}': '1x20 0x60 1x20' },
      is: 'RelayfleetRecordWrong',
      from: 11,
      until: 40,
      over: 42,
    },
    {
      what: 'a DKIM key waits for its record for more than a day',
      scraped: { 'relayfleet_dkim_keys{stage="Pending"}': '1x3000 0x20' },
      is: 'RelayfleetKeysPending',
      from: 1442,
      until: 1500,
      over: 1502,
    },
    {
      what: 'no DNS server answers',
      scraped: {
        'relayfleet_dns_queries_total{result="answered"}': '0+1x60 60x200',
        'relayfleet_dns_queries_total{result="unknown"}': '0x60 1+1x60 60x100',
      },
      is: 'RelayfleetDnsSilent',
      from: 45,
      until: 60,
    },
    {
      what: 'an old password is still used when it is overdue',
      scraped: { 'relayfleet_rotations_pending{reason="OldKeyOverdue"}': '0x10 1x200 0x20' },
      is: 'RelayfleetRotationOverdue',
      from: 67,
      until: 105,
      over: 107,
    },
    {
      what: 'a credential is about to end',
      scraped: {
        'relayfleet_credential_expiry_timestamp_seconds{credential="a/b",ends="credential"}': '605400x60 9999999x60',
      },
      is: 'RelayfleetCredentialEnds',
      from: 11,
      until: 30,
      over: 31,
    },
    {
      what: 'the operator may not list a kind',
      scraped: { 'relayfleet_watch_restarts_total{resource="secrets"}': '0+1x60 60x60' },
      is: 'RelayfleetWatchesInterrupted',
      from: 9,
      until: 30,
      over: 41,
    },
    {
      what: 'the operator can not write a fleet',
      scraped: { 'relayfleet_reconcile_errors_total{part="fleet"}': '0x20 1x200' },
      is: 'RelayfleetOperatorTrouble',
      from: 11,
      until: 20,
      over: 22,
    },
  ]
  test('every alert has a trouble in this table', () => {
    const missing = alerts.filter(({ name }) => !troubles.some(({ is }) => is === name))
    expect(missing.map(({ name }) => name)).toEqual([])
  })

  test.each(troubles)('$what: $is fires, alone, and ends with the trouble', ({ scraped, is, from, until, over }) => {
    const series = { 'relayfleet_leader{pod="a"}': '1x4000', ...scraped }
    const it = [is]
    const ends = over === undefined ? [] : [over]
    expect(firing(series, from, until, ...ends)).toEqual([it, it, ...ends.map(() => [])])
    // One of the troubles takes more than a day of samples.
  }, 90_000)
})
