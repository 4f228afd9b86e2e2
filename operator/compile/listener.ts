/** Listeners: the port that the relay binds, the port that clients connect to, and the certificate. */
import { isIPv6 } from 'node:net'
import type { ListenerConfig } from '../../relay/config.ts'
import type { FileSource, ServicePort } from './compiled.ts'
import type { References, Resolved } from './references.ts'
import { caFileOf, certificateFiles } from './relay-files.ts'
import type { Place, Policy } from './snapshot.ts'

export type Listener = Policy['spec']['listeners'][number]

const lowPorts = 1024
const moveUp = 2000

/** The port that the relay binds. Where it may not bind ports below 1024, such a port moves up by 2000: 25 becomes 2025. */
export const boundPort = (place: Place, port: number): number =>
  port < lowPorts && !place.lowPorts ? port + moveUp : port

/** The Service of a fleet, by its name in the cluster. */
export const serviceHost = ({ name, namespace }: Pick<Policy, 'name' | 'namespace'>): string =>
  `${name}.${namespace}.svc`

export const hostnameOf = (policy: Policy): string => policy.spec.hostname ?? serviceHost(policy)

/** The port that clients connect to: behind a Service the declared one, on this machine the bound one. */
export const clientPort = (place: Place, port: number): number =>
  place.clientHost === undefined ? port : boundPort(place, port)

export const clientHost = (place: Place, policy: Policy): string => place.clientHost ?? serviceHost(policy)

export const hostAndPort = (host: string, port: number): string =>
  isIPv6(host) ? `[${host}]:${port}` : `${host}:${port}`

export const listenerConfig = (
  place: Place,
  { name, port, tls, clientCertificates: asks, bareNewlines }: Listener,
): ListenerConfig => ({
  name,
  address: place.listenAddress,
  port: boundPort(place, port),
  tls: { mode: tls.mode, minVersion: tls.minVersion, ...certificateFiles({ name }) },
  ...(asks && { clientCertificates: { mode: asks.mode, caFile: caFileOf(asks.caRef) } }),
  bareNewlines,
})

export const servicePort = (place: Place, { name, port }: Listener): ServicePort => ({
  name,
  port: clientPort(place, port),
  target: boundPort(place, port),
})

/** Every name under which a client may reach the listener; the certificate has to have them all. */
function certificateHosts(place: Place, policy: Policy): readonly string[] {
  const service = serviceHost(policy)
  const here = place.clientHost === undefined ? [] : [place.clientHost, 'localhost']
  return [...new Set([hostnameOf(policy), service, `${service}.cluster.local`, ...here])]
}

const issued = (place: Place, policy: Policy, listener: Listener): readonly FileSource[] => {
  const hosts = certificateHosts(place, policy)
  const { certificateFile, keyFile } = certificateFiles(listener)
  return [
    { path: certificateFile, from: { kind: 'issued', part: 'certificate', hosts } },
    { path: keyFile, from: { kind: 'issued', part: 'key', hosts } },
  ]
}

/** The certificate and its key: from the Secret that the listener names, else issued by the operator. */
export const listenerFiles =
  (place: Place, policy: Policy, references: References) =>
  (listener: Listener, index: number): Resolved => {
    const ref = listener.tls.certificateRef
    if (ref === undefined) return { files: issued(place, policy, listener) }
    const field = `spec.listeners[${index}].tls.certificateRef`
    return references.certificate(`${policy.namespace}/${ref.name}`, listener.name, field)
  }

/** The authority that issues the certificates of a listener's clients. */
export const clientAuthorityFiles =
  (policy: Policy, references: References) =>
  ({ clientCertificates: asks }: Listener, index: number): Resolved =>
    asks === undefined
      ? { files: [] }
      : references.authority(
          `${policy.namespace}/${asks.caRef.name}`,
          `spec.listeners[${index}].clientCertificates.caRef`,
        )
