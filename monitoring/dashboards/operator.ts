/** What the operator knows to be wrong, and how it works itself. */
import { chosen, type Dashboard, type Row } from './dashboard.ts'
import { howMany, perSecond, quantiles, sum } from './queries.ts'

const labels = ['job', 'instance']
const of = chosen(labels)
const all = (metric: string) => ({ metric, where: of })
const only = (metric: string, which: string) => ({ metric, where: `${which},${of}` })

const declared: Row = {
  title: 'What is declared',
  panels: [
    {
      title: 'Leaders',
      description: '1, or nothing that is declared comes to be; mail flows on meanwhile.',
      shape: 'now',
      unit: 'none',
      queries: [sum(all('leader'), 'operators')],
      bad: { below: 1 },
    },
    {
      title: 'Fleets',
      description: 'RelayPolicies that a leader knows of.',
      shape: 'now',
      unit: 'none',
      queries: [sum(all('fleets'), 'fleets')],
    },
    {
      title: 'Not ready',
      description: 'Fleets that are not as they were declared: `kubectl get rpol -A`.',
      shape: 'now',
      unit: 'none',
      queries: [sum(only('fleets', 'ready!="True"'), 'fleets')],
      bad: { above: 1 },
    },
    {
      title: 'Domains with a wrong record',
      description: 'Their conditions say what to publish.',
      shape: 'now',
      unit: 'none',
      queries: [
        {
          expr: `count(count by (sender_domain) (relayfleet_sender_domain_record_ok{${of}} == 0)) or vector(0)`,
          legend: 'domains',
        },
      ],
      bad: { above: 1 },
    },
    {
      title: 'Fleets by Ready',
      description: 'By the status of their condition Ready.',
      shape: 'stacked',
      unit: 'none',
      queries: [sum(all('fleets'), '', 'ready')],
      width: 12,
    },
    {
      title: 'Fleets with bad news',
      description: 'By the condition that is True; the message of the condition says what to do.',
      shape: 'stacked',
      unit: 'none',
      queries: [sum(all('fleets_with_condition'), '', 'condition')],
      width: 12,
    },
  ],
}

const identities: Row = {
  title: 'Domains and credentials',
  panels: [
    {
      title: 'Records that are wrong',
      description: 'By record and SenderDomain: missing, or another than it has to be.',
      shape: 'lines',
      unit: 'none',
      queries: [
        {
          expr: `count by (record, sender_domain) (relayfleet_sender_domain_record_ok{${of}} == 0)`,
          legend: '{{record}} {{sender_domain}}',
        },
      ],
    },
    {
      title: 'DKIM keys',
      description: 'By stage. Pending for long: RotationInProgress and DKIMValid of the domains say what to publish.',
      shape: 'stacked',
      unit: 'none',
      queries: [sum(all('dkim_keys'), '', 'stage')],
    },
    {
      title: 'Rotations of passwords',
      description:
        'By the reason of RotationPending: somebody still uses a password that was replaced, or nobody knows.',
      shape: 'stacked',
      unit: 'none',
      queries: [sum(all('rotations_pending'), '', 'reason')],
    },
    {
      title: 'What ends soon',
      description: 'Ten RelayCredentials, or passwords of them that were replaced: the time until each is refused.',
      shape: 'lines',
      unit: 's',
      queries: [
        {
          expr: `bottomk(10, min by (credential, ends) (relayfleet_credential_expiry_timestamp_seconds{${of}}) - time())`,
          legend: '{{credential}} {{ends}}',
        },
      ],
    },
    {
      title: 'Questions to DNS servers',
      description: 'By what became of them; unknown is no answer.',
      shape: 'lines',
      unit: 'suffix: /s',
      queries: [perSecond(all('dns_queries_total'), '', 'result')],
    },
  ],
}

const work: Row = {
  title: 'Work',
  panels: [
    {
      title: 'How long a part takes',
      description: 'To compile what is declared, and to write what follows from it, by part.',
      shape: 'lines',
      unit: 's',
      queries: quantiles(all('reconcile_duration_seconds'), 'part'),
    },
    {
      title: 'What failed',
      description: 'And is tried again, by part: `trouble` in the log says why.',
      shape: 'bars',
      unit: 'none',
      queries: [howMany(all('reconcile_errors_total'), '', 'part')],
    },
    {
      title: 'Requests to the API server',
      description: 'By verb and code; 0 is no answer.',
      shape: 'lines',
      unit: 'suffix: /s',
      queries: [perSecond(all('api_requests_total'), '', 'verb', 'code')],
    },
    {
      title: 'Watches that were interrupted',
      description: 'Now and then is usual. Many: the API server, or a right that is missing.',
      shape: 'bars',
      unit: 'none',
      queries: [howMany(all('watch_restarts_total'), '', 'resource')],
    },
    {
      title: 'Memory',
      description: 'Resident, of each replica.',
      shape: 'lines',
      unit: 'bytes',
      queries: [
        { expr: `process_resident_memory_bytes{${of}} and on (instance) relayfleet_leader`, legend: '{{instance}}' },
      ],
    },
    {
      title: 'Processor',
      description: 'Cores, of each replica.',
      shape: 'lines',
      unit: 'none',
      queries: [
        {
          expr: `rate(process_cpu_seconds_total{${of}}[$__rate_interval]) and on (instance) relayfleet_leader`,
          legend: '{{instance}}',
        },
      ],
    },
  ],
}

export const operator: Dashboard = {
  uid: 'relayfleet-operator',
  title: 'Relayfleet / Operator',
  description: 'What the operator knows to be wrong, and how it works itself.',
  choices: { of: 'relayfleet_leader', labels },
  rows: [declared, identities, work],
}
