/** Every metric of the operator. A label's values are a closed list, or names of objects, of which at most 200 are named. */
import { Counter, Gauge, Histogram } from 'prom-client'
import { programRegistry } from '../relay/program-metrics.ts'
import { parts } from './cluster/telling.ts'

export type Metrics = ReturnType<typeof createMetrics>

const seconds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60]

export function createMetrics() {
  const registry = programRegistry()
  const registers = [registry]

  const counter = <const L extends string>(name: string, help: string, labelNames: readonly L[]) =>
    new Counter<L>({ name: `relayfleet_${name}`, help, labelNames: [...labelNames], registers })

  const gauge = <const L extends string>(name: string, help: string, labelNames: readonly L[] = []) =>
    new Gauge<L>({ name: `relayfleet_${name}`, help, labelNames: [...labelNames], registers })

  const reconcileErrors = counter('reconcile_errors_total', 'What failed and is tried again, by part.', ['part'])
  // rate() and increase() miss the first error, unless the series existed with 0 before.
  for (const part of [...parts, 'lease']) reconcileErrors.inc({ part }, 0)

  return {
    registry,
    leader: gauge('leader', 'Whether this operator holds the Lease.'),
    /** Told by the leader alone, so that a sum over the replicas counts each fleet once. */
    fleets: gauge('fleets', 'Fleets by the status of their condition Ready.', ['ready']),
    fleetConditions: gauge('fleets_with_condition', 'Fleets of which a condition is bad news, by that condition.', [
      'condition',
    ]),
    /** Told by the leader alone, as `fleets`. */
    senderDomainRecordOk: gauge(
      'sender_domain_record_ok',
      'Whether the record of a SenderDomain is as it has to be; of 200 by name, those first that are not, and of all others together.',
      ['record', 'sender_domain'],
    ),
    rotationsPending: gauge(
      'rotations_pending',
      'RelayCredentials whose password is being replaced, by the reason of RotationPending.',
      ['reason'],
    ),
    credentialExpiry: gauge(
      'credential_expiry_timestamp_seconds',
      'When a RelayCredential (spec.expiresAt), or a password of it that was replaced, is refused from; of 200 by name, those first that end first, and of all others together.',
      ['credential', 'ends'],
    ),
    dkimKeys: gauge('dkim_keys', 'DKIM keys of all SenderDomains by their stage.', ['stage']),
    dnsQueries: counter(
      'dns_queries_total',
      'Questions to DNS servers about the records of domains, by what became of them.',
      ['result'],
    ),
    reconcileDuration: new Histogram<'part'>({
      name: 'relayfleet_reconcile_duration_seconds',
      help: 'What was compiled, and what was written for it, by part.',
      labelNames: ['part'],
      buckets: seconds,
      registers,
    }),
    reconcileErrors,
    watchRestarts: counter('watch_restarts_total', 'Watches and lists that were interrupted.', ['resource']),
    apiRequests: counter('api_requests_total', 'Requests to the API server; code 0 is no answer.', ['verb', 'code']),
  }
}
