/** Starts a fleet in a namespace of its own, with a receiver behind it and a client in front of it. */
import type { Access } from '../../local/smtp-session.ts'
import { until } from '../../local/until.ts'
import { theCluster } from '../cluster.ts'
import { newNamespace } from '../namespace.ts'
import { fleetObjects } from './fleet-objects.ts'
import { apply, type Installation, kubectl, ready } from './installation.ts'
import { type ProgramPod, startProgram } from './program-pod.ts'

export type FleetOnNode = {
  readonly namespace: string
  readonly receiver: ProgramPod
  readonly client: ProgramPod
  /** The access that an application reads in its binding Secret. */
  readonly access: Access
  /** The relays' pods that are not being deleted. */
  pods(): readonly { readonly name: string; readonly ip: string; readonly uid: string; readonly ready: boolean }[]
}

type Pod = {
  readonly metadata: { readonly name: string; readonly uid: string; readonly deletionTimestamp?: string }
  readonly status: {
    readonly podIP?: string
    readonly conditions?: readonly { readonly type: string; readonly status: string }[]
  }
}

export async function fleetOnNode({ api, image }: Installation, replicas: number): Promise<FleetOnNode> {
  const namespace = await newNamespace(theCluster(), api)
  const receiver = await startProgram(api, 'receiver', namespace, image.name)
  const client = await startProgram(api, 'client', namespace, image.name)
  apply(fleetObjects(namespace, replicas))
  await ready('relaycredential', namespace, 'checkout')
  await ready('relaypolicy', namespace, 'shared')
  // A policy is Programmed by those pods that are ready, and the others may become ready later.
  const allReady = () => podsIn(namespace).filter((pod) => pod.ready).length === replicas
  await until(`the ${replicas} relays are ready`, allReady, 120_000)
  return { namespace, receiver, client, access: binding(namespace), pods: () => podsIn(namespace) }
}

function binding(namespace: string): Access {
  const { data } = JSON.parse(kubectl(['-n', namespace, 'get', 'secret', 'checkout', '-o', 'json'])) as {
    readonly data: Readonly<Record<string, string>>
  }
  const read = (key: string): string => Buffer.from(data[key] ?? '', 'base64').toString()
  return {
    host: read('host'),
    port: Number(read('port')),
    tls: 'StartTLS',
    ca: read('certificates'),
    login: { username: read('username'), password: read('password') },
  }
}

function podsIn(namespace: string): ReturnType<FleetOnNode['pods']> {
  const { items } = JSON.parse(
    kubectl(['-n', namespace, 'get', 'pods', '-l', 'relayfleet.dev/policy=shared', '-o', 'json']),
  ) as { readonly items: readonly Pod[] }
  return items
    .filter((p) => p.metadata.deletionTimestamp === undefined)
    .map(({ metadata, status }) => ({
      name: metadata.name,
      uid: metadata.uid,
      ip: status.podIP ?? '',
      ready: (status.conditions ?? []).some((c) => c.type === 'Ready' && c.status === 'True'),
    }))
}
