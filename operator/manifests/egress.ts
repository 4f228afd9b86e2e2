/**
 * The egress rules of a fleet's NetworkPolicy: DNS, the smarthosts of its routes, the limit store, and exchangers on the
 * Internet.
 */
import { isIP } from 'node:net'
import type { V1NetworkPolicyEgressRule } from '@kubernetes/client-node'
import { serversOf } from '../../relay/config.ts'
import { plainHost } from '../../relay/mail/plain-host.ts'
import { specialNetworks } from '../../relay/mail/special-networks.ts'
import { byText } from '../compile/order.ts'
import { splitName } from '../compile/snapshot.ts'
import type { RelayFleet } from './relay-fleet.ts'

type Rule = V1NetworkPolicyEgressRule
type Target = { readonly host: string; readonly port: number }

const tcp = (port: number) => ({ protocol: 'TCP', port })

/** DNS to anywhere, because a node-local resolver has an address that no selector matches. */
const dns: Rule = { ports: [{ protocol: 'UDP', port: 53 }, tcp(53)] }

/**
 * The namespace of a Service in this cluster: of `relay`, `relay.mail.svc` or `relay.mail.svc.cluster.local`; undefined for other
 * hosts.
 */
function namespaceOf(host: string, own: string): string | undefined {
  if (!host.includes('.')) return own
  return /^[^.]+\.([^.]+)\.svc(\.|$)/.exec(host)?.[1]
}

/**
 * Whether a host is certainly a Service. `relay.mail.svc.example.org` may be one, in a cluster of that domain, or a host on the
 * Internet.
 */
const isService = (host: string): boolean => !host.includes('.') || /\.svc(\.cluster\.local)?$/.test(host)

type Place = { readonly key: string; readonly to?: Rule['to'] }

/** Where a target may be. `key` groups targets into rules; a host outside of the cluster may have any address. */
function placesOf(target: Target, own: string): readonly Place[] {
  const host = plainHost(target.host)
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
  // No ports for a Service: a NetworkPolicy sees the ports of the pods behind it, which are not known here.
  const ports = key.startsWith('namespace') ? {} : { ports: ascending(targets).map(tcp) }
  return { ...(to === undefined ? {} : { to }), ...ports }
}

/**
 * Exchangers: any address but special ones, so that a domain's MX records can never lead into the cluster, the node's network or
 * a cloud's metadata service.
 */
const world: Rule = {
  to: [
    { ipBlock: { cidr: '0.0.0.0/0', except: [...specialNetworks.v4] } },
    { ipBlock: { cidr: '::/0', except: [...specialNetworks.v6] } },
  ],
  ports: [tcp(25)],
}

export function egress({ name, compiled }: RelayFleet): Rule[] {
  const { namespace } = splitName(name)
  const reached = serversOf(compiled.config).flatMap((target) =>
    placesOf(target, namespace).map((place) => ({ place, target })),
  )
  const byPlace = [...Map.groupBy(reached, ({ place }) => place.key)].toSorted(([a], [b]) => byText(a, b))
  const rules = byPlace.flatMap(([, ofPlace]) => {
    const [first] = ofPlace
    const there = ofPlace.map(({ target }) => target)
    return first === undefined ? [] : [ruleFor(first.place, there)]
  })
  const goesOut = compiled.config.routes.some((r) => r.exchangers !== undefined)
  return [dns, ...rules, ...(goesOut ? [world] : [])]
}
