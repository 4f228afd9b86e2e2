/** Where relays may connect to: DNS, the smarthosts of their routes, the store of limits, and the exchangers of the world. */
import { isIP } from 'node:net'
import type { V1NetworkPolicyEgressRule } from '@kubernetes/client-node'
import { specialNetworks } from '../../relay/mail/special-networks.ts'
import { byText } from '../compile/order.ts'
import { splitName } from '../compile/snapshot.ts'
import type { RelayFleet } from './relay-fleet.ts'

type Rule = V1NetworkPolicyEgressRule
type Target = { readonly host: string; readonly port: number }

const tcp = (port: number) => ({ protocol: 'TCP', port })

/** Anywhere: a resolver on the node has an address that no selector knows. */
const dns: Rule = { ports: [{ protocol: 'UDP', port: 53 }, tcp(53)] }

/** The namespace of what is in this cluster: `relay`, `relay.mail.svc` or `relay.mail.svc.cluster.local`. */
function namespaceOf(host: string, own: string): string | undefined {
  if (!host.includes('.')) return own
  return /^[^.]+\.([^.]+)\.svc(\.|$)/.exec(host)?.[1]
}

/** With another domain it may be a Service of a cluster that is called so, or a host of the world. */
const isService = (host: string): boolean => !host.includes('.') || /\.svc(\.cluster\.local)?$/.test(host)

type Place = { readonly key: string; readonly to?: Rule['to'] }

/** Groups by where they are; what is reached by name may have any address. */
function placesOf({ host }: Target, own: string): readonly Place[] {
  const version = isIP(host)
  if (version !== 0) {
    return [{ key: `address ${host}`, to: [{ ipBlock: { cidr: `${host}/${version === 4 ? 32 : 128}` } }] }]
  }
  const anywhere: Place = { key: 'anywhere' }
  const namespace = namespaceOf(host, own)
  if (namespace === undefined) return [anywhere]
  const namespaceSelector = { matchLabels: { 'kubernetes.io/metadata.name': namespace } }
  const service: Place = { key: `namespace ${namespace}`, to: [{ namespaceSelector }] }
  return isService(host) ? [service] : [anywhere, service]
}

const ascending = (targets: readonly Target[]): readonly number[] =>
  [...new Set(targets.map((s) => s.port))].toSorted((a, b) => a - b)

function ruleFor({ key, to }: Place, targets: readonly Target[]): Rule {
  // Behind a Service the pods have ports of their own, and those are what a NetworkPolicy sees.
  const ports = key.startsWith('namespace') ? {} : { ports: ascending(targets).map(tcp) }
  return { ...(to === undefined ? {} : { to }), ...ports }
}

/** Whatever DNS says: never into the cluster, the node's network or the metadata service of a cloud. */
const world: Rule = {
  to: [
    { ipBlock: { cidr: '0.0.0.0/0', except: [...specialNetworks.v4] } },
    { ipBlock: { cidr: '::/0', except: [...specialNetworks.v6] } },
  ],
  ports: [tcp(25)],
}

export function egress({ name, compiled }: RelayFleet): Rule[] {
  const { namespace } = splitName(name)
  const { routes, sharing } = compiled.config
  const targets: readonly Target[] = [
    ...routes.flatMap((r) => r.smarthosts),
    ...(sharing?.store ? [sharing.store] : []),
  ]
  const reached = targets.flatMap((target) => placesOf(target, namespace).map((place) => ({ place, target })))
  const byPlace = [...Map.groupBy(reached, ({ place }) => place.key)].toSorted(([a], [b]) => byText(a, b))
  const rules = byPlace.flatMap(([, ofPlace]) => {
    const [first] = ofPlace
    const there = ofPlace.map(({ target }) => target)
    return first === undefined ? [] : [ruleFor(first.place, there)]
  })
  const goesOut = routes.some((r) => r.exchangers !== undefined)
  return [dns, ...rules, ...(goesOut ? [world] : [])]
}
