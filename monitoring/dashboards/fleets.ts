/** What the fleets take, refuse, throttle and return: the page that is open on the wall. */
import { chosen, type Dashboard, type Row } from './dashboard.ts'
import { howMany, mostOf, perSecond, quantiles, sum } from './queries.ts'

const labels = ['policy', 'job', 'instance']
const of = chosen(labels)
const all = (metric: string) => ({ metric, where: of })
const only = (metric: string, which: string) => ({ metric, where: `${which},${of}` })
const accepted = only('smtpd_messages_total', 'result="accepted"')
const each = 'suffix: /s'

const now: Row = {
  title: 'Now',
  panels: [
    {
      title: 'Relays that are not ready',
      description:
        'They take no mail: a disk is full, fails or is silent, or no listener is open. The page /readyz of each says which.',
      shape: 'now',
      unit: 'none',
      queries: [{ expr: `count(relayfleet_ready{${of}}) - sum(relayfleet_ready{${of}})`, legend: 'relays' }],
      bad: { above: 1 },
    },
    {
      title: 'Accepted',
      description: 'Messages that were answered 250, and are on disk.',
      shape: 'now',
      unit: each,
      queries: [perSecond(accepted, 'messages')],
    },
    {
      title: 'Delivered',
      description: 'Recipients for whom a next hop has taken responsibility.',
      shape: 'now',
      unit: each,
      queries: [perSecond(only('delivery_attempts_total', 'result="delivered"'), 'recipients')],
    },
    {
      title: 'In the queue',
      description: 'Messages that were accepted, and are not delivered or returned yet.',
      shape: 'now',
      unit: 'none',
      queries: [sum(all('queue_messages'), 'messages')],
    },
    {
      title: 'Oldest in the queue',
      description:
        'Mail does not leave where nothing is delivered meanwhile; else the servers of some recipients defer it.',
      shape: 'now',
      unit: 's',
      queries: [{ expr: `max(relayfleet_queue_oldest_message_age_seconds{${of}})`, legend: 'age' }],
      bad: { above: 600 },
    },
    {
      title: 'Least room for mail',
      description:
        'Of the relay that has least: what its volume, or the size of its queue, still takes. Without any, mail is refused for now (452).',
      shape: 'now',
      unit: 'percentunit',
      queries: [
        { expr: `min(relayfleet_spool_room_bytes{${of}} / relayfleet_spool_capacity_bytes{${of}})`, legend: 'room' },
      ],
      bad: { below: 0.1 },
    },
  ],
}

const mailIn: Row = {
  title: 'Mail in',
  panels: [
    {
      title: 'Accepted by fleet',
      description: 'Messages for each RelayPolicy.',
      shape: 'stacked',
      unit: each,
      queries: [perSecond(accepted, '', 'policy')],
    },
    {
      title: 'Verdicts',
      description: 'Audited is what a rule would have refused that is only watched so far.',
      shape: 'lines',
      unit: each,
      queries: [perSecond(all('smtpd_messages_total'), '', 'result')],
    },
    {
      title: 'Refusals by rule',
      description:
        'By the ids that stand in the SMTP reply, too, and in the log line; the reference has what mends each.',
      shape: 'lines',
      unit: each,
      queries: [mostOf(perSecond(all('smtpd_refusals_total'), '', 'stage', 'rule'))],
    },
    {
      title: 'A client’s wait',
      description: 'From MAIL to the reply after the dot: at 250 the message is on disk.',
      shape: 'lines',
      unit: 's',
      queries: quantiles(all('smtpd_transaction_duration_seconds')),
    },
    {
      title: 'Size of messages',
      description: 'Of those that were accepted.',
      shape: 'lines',
      unit: 'decbytes',
      queries: quantiles(all('smtpd_message_size_bytes')),
    },
    {
      title: 'Sessions',
      description: 'Open ones by fleet. An address has 50 at most.',
      shape: 'lines',
      unit: 'none',
      queries: [sum(all('smtpd_sessions'), '', 'policy')],
    },
  ],
}

const logins: Row = {
  title: 'Authentication',
  panels: [
    {
      title: 'Logins',
      description: 'By mechanism and result.',
      shape: 'lines',
      unit: each,
      queries: [perSecond(all('smtpd_auth_total'), '', 'mechanism', 'result')],
    },
    {
      title: 'Failed logins by reason',
      description:
        'A credential that is named in the log with the same reason again and again has an old password: see its binding Secret. Many usernames that do not exist are somebody who guesses.',
      shape: 'bars',
      unit: 'none',
      queries: [howMany(only('smtpd_auth_total', 'result="failure"'), '', 'reason')],
    },
    {
      title: 'Clients locked out',
      description: 'Ten failed logins lock an address out for a while; the log line names it.',
      shape: 'bars',
      unit: 'none',
      queries: [howMany(all('smtpd_lockouts_total'), 'clients')],
    },
    {
      title: 'Connections by listener',
      description: 'By the TLS that they began with; none on a StartTLS listener.',
      shape: 'lines',
      unit: each,
      queries: [perSecond(all('smtpd_connections_total'), '', 'listener', 'tls')],
    },
  ],
}

const throttling: Row = {
  title: 'Throttling',
  panels: [
    {
      title: 'Too much for now',
      description:
        'By the name of the throttle or the rule of the limit: refused for now (reject), or let pass (audit).',
      shape: 'bars',
      unit: 'none',
      queries: [howMany(all('throttled_total'), '', 'throttle', 'action')],
    },
    {
      title: 'Used of the day',
      description:
        'Recipients of the day by credential, the ten that used most. At 1 a credential is refused until midnight UTC.',
      shape: 'lines',
      unit: 'percentunit',
      queries: [
        mostOf({
          expr: `max by (policy, credential) (relayfleet_quota_used_ratio{${of}})`,
          legend: '{{policy}} {{credential}}',
        }),
      ],
      bad: { above: 0.9 },
    },
    {
      title: 'Waiting for headroom',
      description:
        'Messages and delivery attempts of credentials that send many, held back so that those that send few do not wait.',
      shape: 'lines',
      unit: 'none',
      queries: [sum(all('headroom_waiting'), '', 'policy')],
    },
    {
      title: 'Who counts',
      description:
        'The store, for the whole fleet; or each relay for its own share, while the store does not answer or there is none.',
      shape: 'stacked',
      unit: each,
      queries: [perSecond(all('limit_decisions_total'), '', 'by')],
    },
    {
      title: 'Store of limits',
      description: '1 where the relay hears from it. While it does not answer, each relay has its share.',
      shape: 'lines',
      unit: 'none',
      queries: [{ expr: `min by (policy, store) (relayfleet_limit_store_up{${of}})`, legend: '{{policy}} {{store}}' }],
    },
  ],
}

const returned: Row = {
  title: 'Bounces',
  panels: [
    {
      title: 'Recipients given up',
      description: 'By class: refused for good by a next hop, or expired in the queue. Their senders get a report.',
      shape: 'bars',
      unit: 'none',
      queries: [howMany(all('bounces_total'), '', 'class')],
    },
    {
      title: 'Reports to senders',
      description: 'Delivery status notifications that were queued.',
      shape: 'bars',
      unit: 'none',
      queries: [howMany(all('dsn_sent_total'), 'reports')],
    },
    {
      title: 'Captured',
      description: 'Of fleets in NonProduction: mail that went to the inbox instead of to anybody.',
      shape: 'lines',
      unit: each,
      queries: [perSecond(all('delivery_captured_total'), 'messages')],
    },
  ],
}

export const fleets: Dashboard = {
  uid: 'relayfleet-fleets',
  title: 'Relayfleet / Fleets',
  description: 'What the relays of each RelayPolicy take, refuse, throttle and return.',
  choices: { of: 'relayfleet_ready', labels },
  rows: [now, mailIn, logins, throttling, returned],
}
