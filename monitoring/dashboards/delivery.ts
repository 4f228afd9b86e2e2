/** How mail leaves: which next hops take it, how long that takes, and what waits. */
import { chosen, type Dashboard, type Row } from './dashboard.ts'
import { howMany, mostOf, perSecond, quantiles, sum } from './queries.ts'

const labels = ['policy', 'smarthost', 'job', 'instance']
const relay = chosen(labels.filter((label) => label !== 'smarthost'))
const hop = chosen(labels)
/** Of the whole relay, whichever next hop is chosen. */
const all = (metric: string) => ({ metric, where: relay })
const toHops = (metric: string, ...which: readonly string[]) => ({ metric, where: [...which, hop].join(',') })
const each = 'suffix: /s'

const queue: Row = {
  title: 'Queue',
  panels: [
    {
      title: 'Messages by state',
      description:
        'Ready ones wait for a connection, deferred ones for their next attempt. Many deferred: see the attempts below.',
      shape: 'stacked',
      unit: 'none',
      queries: [sum(all('queue_messages'), '', 'state')],
    },
    {
      title: 'Oldest message',
      description: 'Of each fleet. At expireAfter of its policy a message is returned to its sender.',
      shape: 'lines',
      unit: 's',
      queries: [
        { expr: `max by (policy) (relayfleet_queue_oldest_message_age_seconds{${relay}})`, legend: '{{policy}}' },
      ],
    },
    {
      title: 'Time in the queue',
      description: 'Of what has left: from the 250 until the last recipient was delivered, or given up.',
      shape: 'lines',
      unit: 's',
      queries: quantiles(all('queue_delay_seconds')),
    },
  ],
}

const attempts: Row = {
  title: 'Attempts',
  panels: [
    {
      title: 'Attempts by result',
      description: 'One for each recipient. Deferred ones are tried again, bounced ones are returned.',
      shape: 'lines',
      unit: each,
      queries: [perSecond(toHops('delivery_attempts_total'), '', 'result')],
    },
    {
      title: 'Delivered by next hop',
      description: 'Recipients by route and smarthost.',
      shape: 'stacked',
      unit: each,
      queries: [perSecond(toHops('delivery_attempts_total', 'result="delivered"'), '', 'route', 'smarthost')],
    },
    {
      title: 'Not delivered by next hop',
      description:
        'By the class of its reply: 4 is for now, 5 for good. The log line of each attempt has the reply itself.',
      shape: 'lines',
      unit: each,
      queries: [
        mostOf(perSecond(toHops('delivery_attempts_total', 'result!="delivered"'), '', 'smarthost', 'result', 'class')),
      ],
    },
    {
      title: 'Not delivered by provider',
      description: 'Whose exchangers those were, in fleets that deliver directly.',
      shape: 'lines',
      unit: each,
      queries: [perSecond(toHops('delivery_attempts_total', 'result!="delivered"'), '', 'provider', 'result')],
    },
    {
      title: 'Perhaps twice',
      description:
        'Attempts that may have made a copy: no reply came after the dot, or the relay ended in the middle. Each is tried again, so the recipient may get it twice.',
      shape: 'bars',
      unit: 'none',
      queries: [howMany(all('delivery_ambiguous_total'), 'attempts')],
    },
    {
      title: 'How long an attempt takes',
      description: 'From MAIL to the reply after the dot, by next hop.',
      shape: 'lines',
      unit: 's',
      queries: quantiles(toHops('delivery_duration_seconds'), 'smarthost'),
    },
  ],
}

const trust: Row = {
  title: 'TLS and DKIM',
  panels: [
    {
      title: 'Connections by TLS',
      description: 'None is mail in clear: only where the policy lets a next hop go without.',
      shape: 'stacked',
      unit: each,
      queries: [perSecond(toHops('delivery_tls_total'), '', 'smarthost', 'version')],
    },
    {
      title: 'Signatures',
      description: 'One for each key and attempt, by algorithm.',
      shape: 'lines',
      unit: each,
      queries: [perSecond(all('delivery_signatures_total'), '', 'algorithm')],
    },
    {
      title: 'Not signed',
      description:
        'Attempts of messages whose domain has a key that can not sign, or broken records: held, or sent without. DKIMValid of the SenderDomain says what to publish.',
      shape: 'bars',
      unit: 'none',
      queries: [howMany(all('delivery_unsigned_total'), '', 'result')],
    },
  ],
}

export const delivery: Dashboard = {
  uid: 'relayfleet-delivery',
  title: 'Relayfleet / Delivery',
  description: 'How mail leaves: which next hops take it, how long that takes, and what waits.',
  choices: { of: 'relayfleet_delivery_attempts_total', labels },
  rows: [queue, attempts, trust],
}
