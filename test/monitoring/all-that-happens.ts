/** Serves the metrics of a relay and of an operator that have a series for everything that a dashboard asks for. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createMetrics as createOperatorMetrics } from '../../operator/metrics.ts'
import { createMetrics } from '../../relay/metrics.ts'
import { atRest } from '../relay/at-rest.ts'

export type Page = { readonly port: number; close(): void }

async function pageOf(registry: { metrics(): Promise<string> }): Promise<Page> {
  const server = createServer((_request, response) => {
    void registry.metrics().then((text) => response.end(text))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return { port: (server.address() as AddressInfo).port, close: () => void server.close() }
}

export function busyRelay(): Promise<Page> {
  const m = createMetrics(
    'mail/busy',
    () => atRest,
    () => [{ credential: 'team-a/web', ratio: 0.5 }],
  )
  m.messages.inc({ result: 'accepted', rule: '' })
  m.connections.inc({ listener: 'submission', tls: 'none' })
  m.auth.inc({ mechanism: 'PLAIN', result: 'failure', reason: 'password' })
  m.refusals.inc({ stage: 'rcpt-to', rule: 'recipients.max' })
  m.limitDecisions.inc({ by: 'store' })
  m.limitStoreUp.set({ store: 'redis:6379' }, 1)
  m.throttled.inc({ throttle: 'burst', action: 'reject' })
  for (const result of ['delivered', 'deferred'])
    m.attempts.inc({ route: 'default', smarthost: 'ses', provider: 'other', result, class: '4' })
  m.deliveryDuration.observe(0.1, { smarthost: 'ses' })
  m.deliveryTls.inc({ smarthost: 'ses', version: 'TLSv1.3' })
  m.signatures.inc({ algorithm: 'ed25519' })
  m.unsigned.inc({ result: 'held' })
  m.bounces.inc({ class: 'expired' })
  m.configInfo.set({ hash: 'abc' }, 1)
  m.certificateExpiry.set({ listener: 'submission' }, Date.now() / 1000 + 86_400)
  return pageOf(m.registry)
}

export function busyOperator(): Promise<Page> {
  const m = createOperatorMetrics()
  m.leader.set(1)
  for (const ready of ['True', 'False']) m.fleets.set({ ready }, 1)
  m.fleetConditions.set({ condition: 'Degraded' }, 1)
  m.senderDomainRecordOk.set({ record: 'spf', sender_domain: 'mail/corp' }, 0)
  m.rotationsPending.set({ reason: 'OldKeyInUse' }, 1)
  m.credentialExpiry.set({ credential: 'team-a/web', ends: 'credential' }, Date.now() / 1000 + 86_400)
  m.dkimKeys.set({ stage: 'Pending' }, 1)
  m.dnsQueries.inc({ result: 'unknown' })
  m.reconcileDuration.observe({ part: 'compile' }, 0.1)
  m.watchRestarts.inc({ resource: 'pods' })
  m.apiRequests.inc({ verb: 'get', code: '200' })
  return pageOf(m.registry)
}
