/** Every metric of the relay, once. Labels are closed lists or configured names; never an address, never a free domain. */
import { Gauge } from 'prom-client'
import { programRegistry } from './program-metrics.ts'
import { Counter, Histogram } from './tallies.ts'

/** What is measured at each scrape, instead of being counted as it happens. */
export type Observed = {
  readonly ready: boolean
  readonly configOk: boolean
  readonly sessions: number
  readonly queue: { readonly ready: number; readonly deferred: number; readonly inFlight: number }
  /** Messages and attempts that wait for headroom (headroom.ts). */
  readonly held: number
  /** Seconds; 0 with an empty queue. */
  readonly oldestMessageAge: number
  readonly spoolBytes: number
  readonly spoolFreeBytes: number
  readonly spoolRoomBytes: number
  readonly spoolCapacityBytes: number
}

/** How much of its day's recipients a credential has used: 0 is none, 1 all. */
export type QuotaUse = { readonly credential: string; readonly ratio: number }

export type Metrics = ReturnType<typeof createMetrics>

/** `observe` and `quotas` are called at each scrape; `quotas` names few credentials. */
export function createMetrics(policy: string, observe: () => Observed, quotas: () => readonly QuotaUse[] = () => []) {
  const registry = programRegistry()
  registry.setDefaultLabels({ policy })
  const registers = [registry]

  let observed: Observed | undefined
  /** Measured once for all gauges of one scrape: to look through a long queue takes a while. */
  const seen = (): Observed => {
    if (observed !== undefined) return observed
    setImmediate(() => {
      observed = undefined
    })
    observed = observe()
    return observed
  }

  const counter = <const L extends string = never>(name: string, help: string, labelNames: readonly L[] = []) =>
    new Counter<L>({ name: `relayfleet_${name}`, help, labelNames, registry })
  const histogram = <const L extends string = never>(
    name: string,
    help: string,
    buckets: readonly number[],
    labelNames: readonly L[] = [],
  ) => new Histogram<L>({ name: `relayfleet_${name}`, help, labelNames, registry }, buckets)
  const gauge = (name: string, help: string, value: (o: Observed) => number) =>
    new Gauge({
      name: `relayfleet_${name}`,
      help,
      registers,
      collect() {
        this.set(value(seen()))
      },
    })
  const settable = <const L extends string>(name: string, help: string, labelNames: readonly L[] = []) =>
    new Gauge<L>({ name: `relayfleet_${name}`, help, labelNames: [...labelNames], registers })

  gauge('ready', 'Whether this relay is ready; where it is not, it takes no mail, and /readyz says why.', (o) =>
    Number(o.ready),
  )
  gauge('config_ok', 'Whether the newest configuration is in force, all of it, with its newest files.', (o) =>
    Number(o.configOk),
  )
  gauge('smtpd_sessions', 'Open submission sessions.', (o) => o.sessions)
  gauge(
    'headroom_waiting',
    'Messages and delivery attempts of credentials that send many, held back so that those that send few do not wait.',
    (o) => o.held,
  )
  gauge('queue_oldest_message_age_seconds', 'Age of the oldest message in the queue.', (o) => o.oldestMessageAge)
  gauge('spool_used_bytes', 'Octets of queued mail.', (o) => o.spoolBytes)
  gauge('spool_free_bytes', 'Free octets on the volume of the spool.', (o) => o.spoolFreeBytes)
  gauge(
    'spool_room_bytes',
    'Octets of mail that are still accepted: what the volume has free less what delivery needs, or what is left of the two thirds of spec.queue.storage.size that the queue may have, whichever is less.',
    (o) => o.spoolRoomBytes,
  )
  gauge(
    'spool_capacity_bytes',
    'The size of the volume, or the two thirds of spec.queue.storage.size that the queue may have, where that is less.',
    (o) => o.spoolCapacityBytes,
  )
  new Gauge({
    name: 'relayfleet_queue_messages',
    help: 'Messages in the queue by state; in_flight has also those whose outcome could not be recorded.',
    labelNames: ['state'],
    registers,
    collect() {
      const { ready, deferred, inFlight } = seen().queue
      this.set({ state: 'ready' }, ready)
      this.set({ state: 'deferred' }, deferred)
      this.set({ state: 'in_flight' }, inFlight)
    },
  })

  new Gauge({
    name: 'relayfleet_quota_used_ratio',
    help: "Used of the day's recipients that may be handed out, by the fleet where a store counts, else by this relay; of the 100 credentials that used most.",
    labelNames: ['credential'],
    registers,
    collect() {
      this.reset()
      for (const { credential, ratio } of quotas()) this.set({ credential }, ratio)
    },
  })

  const fast = [0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 30]
  const slow = [0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60, 300, 600]
  const waits = [0.01, 0.1, 1, 5, 30, 60, 300, 900, 3600, 14400, 86400]

  const messages = counter('smtpd_messages_total', 'Messages by verdict; rule is empty for accepted ones.', [
    'result',
    'rule',
  ])
  const bounces = counter('bounces_total', 'Recipients given up, by class.', ['class'])
  // These begin at 0, since Prometheus sees an increase only where there was a value before.
  for (const rule of ['always.unavailable', 'queue.storage']) messages.inc({ result: 'refused', rule }, 0)
  for (const kind of ['refused', 'expired']) bounces.inc({ class: kind }, 0)

  return {
    registry,
    connections: counter(
      'smtpd_connections_total',
      'Accepted connections, by the TLS that they began with: none on a StartTLS listener.',
      ['listener', 'tls'],
    ),
    auth: counter('smtpd_auth_total', 'Logins by result and reason.', ['mechanism', 'result', 'reason']),
    lockouts: counter('smtpd_lockouts_total', 'Clients locked out for failed logins.'),
    refusals: counter('smtpd_refusals_total', 'Refusals by SMTP stage and rule.', ['stage', 'rule']),
    messages,
    limitDecisions: counter(
      'limit_decisions_total',
      'Messages that were counted, or refused with their content (not those that MAIL refused), by each throttle and for credentials with limits: by the count of the fleet (store), or by the share of this relay.',
      ['by'],
    ),
    limitStoreUp: settable('limit_store_up', 'Whether the store answers in which the relays count together.', [
      'store',
    ]),
    throttled: counter(
      'throttled_total',
      'What was too much for now, by the name of the throttle or the rule of the limit: refused (reject), or let pass (audit).',
      ['throttle', 'action'],
    ),
    transactionDuration: histogram('smtpd_transaction_duration_seconds', 'MAIL to the reply after the dot.', fast),
    messageSize: histogram(
      'smtpd_message_size_bytes',
      'Octets of accepted messages.',
      [1e3, 4e3, 16e3, 64e3, 256e3, 1e6, 4e6, 16e6, 64e6],
    ),
    commitDuration: histogram(
      'spool_commit_duration_seconds',
      'From the end of a message to its safety on disk.',
      fast,
    ),
    commitBatch: histogram(
      'spool_commit_batch_messages',
      'Messages that shared one commit.',
      [1, 2, 4, 8, 16, 32, 64, 128],
    ),
    quarantined: counter('spool_quarantined_total', 'Damaged spool files that were set aside.'),
    queueDelay: histogram(
      'queue_delay_seconds',
      'From acceptance to leaving the queue: the last recipient was delivered, or given up.',
      waits,
    ),
    attempts: counter('delivery_attempts_total', 'Delivery attempts, one per recipient.', [
      'route',
      'smarthost',
      'provider',
      'result',
      'class',
    ]),
    deliveryDuration: histogram(
      'delivery_duration_seconds',
      'One attempt, from MAIL to the reply after the dot.',
      slow,
      ['smarthost'],
    ),
    deliveryTls: counter('delivery_tls_total', 'Connections to smarthosts by TLS version.', ['smarthost', 'version']),
    ambiguous: counter(
      'delivery_ambiguous_total',
      'Attempts that may have made a copy: no reply after the dot, open when the relay ended, or told in damaged records.',
    ),
    signatures: counter('delivery_signatures_total', 'DKIM signatures made, one for each key and attempt.', [
      'algorithm',
    ]),
    unsigned: counter(
      'delivery_unsigned_total',
      'Attempts of messages whose domain has a key that can not sign, or broken records, by what became of them.',
      ['result'],
    ),
    captured: counter('delivery_captured_total', 'Messages written to the capture inbox.'),
    bounces,
    dsnSent: counter('dsn_sent_total', 'Delivery status notifications queued.'),
    linesLost: counter(
      'log_lines_lost_total',
      'Log lines that were left out, because whoever reads them was too slow or gone.',
    ),
    draining: settable('draining', 'Whether this relay is to leave, and takes no new mail.'),
    configInfo: settable('config_info', 'The configuration in force.', ['hash']),
    configApplied: settable('config_applied_timestamp_seconds', 'When the configuration in force was applied.'),
    configErrors: counter(
      'config_errors_total',
      'Configurations that were refused, or not all of which could be applied.',
    ),
    certificateExpiry: settable('certificate_expiry_timestamp_seconds', 'When the certificate of a listener ends.', [
      'listener',
    ]),
  }
}
