/** A relay as the operator sees it: a pod, and at its address a page that reports what the test says. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { RelayStatus, RelayUsage } from '../../relay/http.ts'
import { type Api, accepted } from './api.ts'

export type FakeRelay = {
  readonly name: string
  /** The status that it reports; it may be changed at any time. */
  status: RelayStatus
  /** The usage that it reports; it may be changed at any time. */
  usage: RelayUsage
  /** Whether it loads the configurations that are written for it. */
  obeys: boolean
  /** How often it was asked for its status. */
  asked: number
  /** Sets the pod's condition Ready, and what its container waits for. */
  say(ready: boolean, waiting?: { readonly reason: string; readonly message: string }): Promise<void>
  close(): Promise<void>
}

export const healthy = (policy: string): RelayStatus => ({
  policy,
  hash: `sha256:${'0'.repeat(64)}`,
  stale: [],
  ready: true,
  notReady: [],
  listeners: [],
  certificates: [],
  smarthosts: [],
  signing: { broken: [], leaving: [] },
  sessions: 0,
  queue: { ready: 0, deferred: 0, inFlight: 0, oldestSeconds: 0 },
})

/** Listens at a port of its own, at the address of this relay. */
async function pageOf(address: string, said: (path: string) => RelayStatus | RelayUsage) {
  const server = createServer(({ url = '' }, response) => {
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(said(url)))
  })
  server.listen(0, address)
  await once(server, 'listening')
  return { server, port: (server.address() as AddressInfo).port }
}

export async function fakeRelay(api: Api, namespace: string, policy: string, index: number): Promise<FakeRelay> {
  const address = `127.0.1.${index + 1}`
  const name = `${policy}-${index}`
  const pods = `/api/v1/namespaces/${namespace}/pods`
  const relay: FakeRelay = {
    name,
    status: healthy(`${namespace}/${policy}`),
    usage: { day: 0, credentials: [], now: '2026-01-01T00:00:00Z', keys: [] },
    obeys: true,
    asked: 0,
    async say(ready, waiting) {
      const containerStatuses =
        waiting === undefined
          ? []
          : [{ name: 'relay', image: 'none', imageID: '', ready: false, restartCount: 0, state: { waiting } }]
      const status = {
        podIP: address,
        podIPs: [{ ip: address }],
        conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }],
        containerStatuses,
      }
      accepted(await api.patch(`${pods}/${name}/status`, { status }))
    },
    async close() {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
  const { server, port } = await pageOf(address, (path) => {
    if (path === '/usage') return relay.usage
    relay.asked += 1
    return relay.status
  })
  const labels = { 'app.kubernetes.io/managed-by': 'relayfleet', 'relayfleet.dev/policy': policy }
  const containers = [{ name: 'relay', image: 'none', ports: [{ name: 'http', containerPort: port }] }]
  accepted(await api.create(pods, { apiVersion: 'v1', kind: 'Pod', metadata: { name, labels }, spec: { containers } }))
  return relay
}
