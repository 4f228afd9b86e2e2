/** Each relay from inside: is it ready, what does its disk do, what does it take. */
import { chosen, type Dashboard, type Row } from './dashboard.ts'
import { howMany, quantiles, sum } from './queries.ts'

const labels = ['policy', 'job', 'instance']
const of = chosen(labels)
const all = (metric: string) => ({ metric, where: of })
/** One line for each relay. */
const ofEach = (expr: string) => ({ expr, legend: '{{instance}}' })

const state: Row = {
  title: 'State',
  panels: [
    {
      title: 'Ready',
      description: '0: it takes no mail, and its page /readyz says why.',
      shape: 'lines',
      unit: 'none',
      queries: [ofEach(`relayfleet_ready{${of}}`)],
    },
    {
      title: 'Configuration in force',
      description: '0: an edit is not in force, or not all of it. configError and stale of its page /status say what.',
      shape: 'lines',
      unit: 'none',
      queries: [ofEach(`relayfleet_config_ok{${of}}`)],
    },
    {
      title: 'Configurations that differ',
      description:
        'How many are in force among the relays of one policy. More than 1 for longer than a minute: a relay does not follow.',
      shape: 'lines',
      unit: 'none',
      queries: [
        { expr: `count by (policy) (count by (policy, hash) (relayfleet_config_info{${of}}))`, legend: '{{policy}}' },
      ],
      bad: { above: 2 },
    },
    {
      title: 'Relays of each version',
      description: 'More than one for a policy: an upgrade goes on, or a relay that is not ready holds it up.',
      shape: 'lines',
      unit: 'none',
      queries: [
        { expr: `count by (policy, version) (relayfleet_build_info{${of}})`, legend: '{{policy}} {{version}}' },
      ],
    },
    {
      title: 'Age of the configuration',
      description: 'Since the one in force was applied.',
      shape: 'lines',
      unit: 's',
      queries: [ofEach(`time() - relayfleet_config_applied_timestamp_seconds{${of}}`)],
    },
    {
      title: 'Configurations that were refused',
      description: 'Or of which not all could be applied: the last good one stays in force.',
      shape: 'bars',
      unit: 'none',
      queries: [howMany(all('config_errors_total'), '', 'instance')],
    },
    {
      title: 'Leaving',
      description: '1: it is to leave, takes no new mail, and goes when its queue is empty.',
      shape: 'lines',
      unit: 'none',
      queries: [ofEach(`relayfleet_draining{${of}}`)],
    },
    {
      title: 'Certificates',
      description: 'Until that of each listener ends. Clients refuse one that has ended.',
      shape: 'lines',
      unit: 's',
      queries: [
        {
          expr: `min by (policy, listener) (relayfleet_certificate_expiry_timestamp_seconds{${of}}) - time()`,
          legend: '{{policy}} {{listener}}',
        },
      ],
      bad: { below: 7 * 86_400 },
    },
  ],
}

const spool: Row = {
  title: 'Spool',
  panels: [
    {
      title: 'Room for mail',
      description: 'What is still taken, of what there may be. Without any, mail is refused for now (452).',
      shape: 'lines',
      unit: 'percentunit',
      queries: [ofEach(`relayfleet_spool_room_bytes{${of}} / relayfleet_spool_capacity_bytes{${of}}`)],
      bad: { below: 0.1 },
    },
    {
      title: 'Queued mail',
      description: 'In octets.',
      shape: 'lines',
      unit: 'decbytes',
      queries: [ofEach(`relayfleet_spool_used_bytes{${of}}`)],
    },
    {
      title: 'Free on the volume',
      description: 'Whatever else it holds.',
      shape: 'lines',
      unit: 'decbytes',
      queries: [ofEach(`relayfleet_spool_free_bytes{${of}}`)],
    },
    {
      title: 'A commit',
      description:
        'From the end of a message to its safety on disk. All that wait share one; when this grows, the disk is slow.',
      shape: 'lines',
      unit: 's',
      queries: quantiles(all('spool_commit_duration_seconds')),
    },
    {
      title: 'Messages in a commit',
      description: 'More is less work for the disk.',
      shape: 'lines',
      unit: 'none',
      queries: quantiles(all('spool_commit_batch_messages')),
    },
    {
      title: 'Damaged files',
      description: 'Set aside, with the folder named in the log. Look at the disk.',
      shape: 'bars',
      unit: 'none',
      queries: [howMany(all('spool_quarantined_total'), '', 'instance')],
    },
  ],
}

const program: Row = {
  title: 'Process',
  panels: [
    {
      title: 'Processor',
      description:
        'Cores. One relay thinks in one thread: near 1 it is at its end, and the policy wants more replicas.',
      shape: 'lines',
      unit: 'none',
      queries: [ofEach(`rate(process_cpu_seconds_total{${of}}[$__rate_interval])`)],
    },
    {
      title: 'Memory',
      description: 'Resident. A relay stays below 256 MiB, whatever is in its queue.',
      shape: 'lines',
      unit: 'bytes',
      queries: [ofEach(`process_resident_memory_bytes{${of}}`)],
    },
    {
      title: 'Loop',
      description: 'How late it is, p99: what everybody waits for in addition.',
      shape: 'lines',
      unit: 's',
      queries: [ofEach(`nodejs_eventloop_lag_p99_seconds{${of}}`)],
    },
    {
      title: 'Descriptors',
      description: 'Open files and sockets; flat while the sessions are.',
      shape: 'lines',
      unit: 'none',
      queries: [ofEach(`process_open_fds{${of}}`)],
    },
    {
      title: 'Sessions',
      description: 'Open ones of clients.',
      shape: 'lines',
      unit: 'none',
      queries: [sum(all('smtpd_sessions'), '', 'instance')],
    },
    {
      title: 'Lost log lines',
      description: 'Whoever reads the log is too slow, or gone. Mail goes on.',
      shape: 'bars',
      unit: 'none',
      queries: [howMany(all('log_lines_lost_total'), '', 'instance')],
    },
  ],
}

export const relays: Dashboard = {
  uid: 'relayfleet-relays',
  title: 'Relayfleet / Relays',
  description: 'Each relay from inside: is it ready, what does its disk do, what does it take.',
  choices: { of: 'relayfleet_ready', labels },
  rows: [state, spool, program],
}
