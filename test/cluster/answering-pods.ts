/**
 * Pretends to be the relays of pods that a real controller has made and that no node runs. Each pod gets an address of this
 * machine, where a page says what a relay with so much mail would say. When its pod's annotation tells it to leave, a relay
 * delivers its mail, and then says that it is drained.
 */
import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { setTimeout as wait } from 'node:timers/promises'
import type { RelayStatus } from '../../relay/http.ts'
import { type Api, accepted, type KubeObject } from './api.ts'
import { healthy } from './fake-relay.ts'

export type AnsweringPods = {
  /** The number of messages at each pod, by its name; while `delivers`, a pod that is to leave delivers one at each look. */
  readonly mail: Map<string, number>
  delivers: boolean
  /** The spool ids of pods, by name, that have another spool than their first one, since their claim was made anew. */
  readonly spools: Map<string, string>
  /** Pods whose page does not answer. */
  readonly silent: Set<string>
  close(): Promise<void>
}

type Pod = KubeObject & {
  readonly metadata: { readonly annotations?: Readonly<Record<string, string>> }
  readonly spec: { readonly containers: readonly { readonly ports: readonly { readonly containerPort: number }[] }[] }
  readonly status?: { readonly podIP?: string }
}

const lookMs = 100

const ordinalOf = (pod: string): number => Number(pod.slice(pod.lastIndexOf('-') + 1))
/** The id of a pod's spool follows from its ordinal, since the spool is on the claim, which outlives the pod. */
const spoolOf = (pod: string): string => `00000000-0000-4000-8000-${String(ordinalOf(pod)).padStart(12, '0')}`

export async function answeringPods(api: Api, namespace: string, policy: string): Promise<AnsweringPods> {
  const network = `127.${randomInt(2, 250)}.${randomInt(1, 250)}`
  const pods = `/api/v1/namespaces/${namespace}/pods`
  const known = new Map<string, Pod>()
  const servers = new Map<string, Server>()
  const ending = new AbortController()
  let hash: string | undefined

  const isLeaving = (name: string): boolean =>
    known.get(name)?.metadata.annotations?.['relayfleet.dev/drain'] !== undefined

  function deliver(): void {
    for (const [name, left] of answering.mail) {
      if (answering.delivers && left > 0 && isLeaving(name)) answering.mail.set(name, left - 1)
    }
  }

  function said(name: string): RelayStatus {
    const mail = answering.mail.get(name) ?? 0
    const leaves = isLeaving(name)
    return {
      ...healthy(`${namespace}/${policy}`),
      ...(hash !== undefined && { hash }),
      spoolId: answering.spools.get(name) ?? spoolOf(name),
      ...(leaves && { drain: mail === 0 ? 'Drained' : 'Draining' }),
      queue: { ready: 0, deferred: mail, inFlight: 0, oldestSeconds: mail === 0 ? 0 : 60 },
    }
  }

  async function serve(name: string, address: string, port: number): Promise<void> {
    if (servers.has(name)) return
    const server = createServer((_, response) => {
      if (answering.silent.has(name)) response.destroy()
      else response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(said(name)))
    })
    servers.set(name, server)
    server.listen(port, address)
    await once(server, 'listening')
  }

  /** The relays load the configuration that the operator says it has written. */
  async function load(): Promise<void> {
    const { body } = await api.get(`/apis/relayfleet.dev/v1alpha1/namespaces/${namespace}/relaypolicies/${policy}`)
    hash = (body as { readonly status?: { readonly configHash?: string } }).status?.configHash ?? hash
  }

  async function look(): Promise<void> {
    await load()
    deliver()
    const { items } = accepted(await api.get(pods)) as unknown as { readonly items: readonly Pod[] }
    known.clear()
    for (const pod of items) {
      const { name } = pod.metadata
      known.set(name, pod)
      const address = `${network}.${ordinalOf(name) + 1}`
      const port = pod.spec.containers[0]?.ports[0]?.containerPort ?? 0
      await serve(name, address, port)
      if (pod.status?.podIP !== undefined) continue
      const conditions = [{ type: 'Ready', status: 'True' }]
      // The answer does not matter: the pod may be gone by now.
      await api.patch(`${pods}/${name}/status`, { status: { podIP: address, podIPs: [{ ip: address }], conditions } })
    }
  }

  const answering: AnsweringPods = {
    mail: new Map(),
    spools: new Map(),
    delivers: true,
    silent: new Set(),
    async close() {
      ending.abort()
      await looking
      await Promise.all(
        [...servers.values()].map(async (server) => {
          server.closeAllConnections()
          server.close()
          await once(server, 'close')
        }),
      )
    },
  }
  const looking = (async () => {
    while (!ending.signal.aborted) {
      await look()
      await wait(lookMs, undefined, { signal: ending.signal }).catch(() => undefined)
    }
  })()
  return answering
}
