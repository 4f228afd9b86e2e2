/** The Secret with the certificate that the operator issues for a fleet's listeners; kept while it serves. */
import { X509Certificate } from 'node:crypto'
import { hostsIn, type Issued, issue } from '../../ca.ts'
import type { CompiledFleet } from '../../compile/compiled.ts'
import type { Name } from '../../compile/snapshot.ts'
import { pairServes } from '../../issued-pair.ts'
import { metadataOf } from '../../manifests/labels.ts'
import type { KubeObject } from '../api/object.ts'
import { base64, textIn } from '../api/secret-data.ts'

/**
 * The hosts that a fleet's issued certificate is for; undefined where no listener needs one. A fleet that is held may be so
 * for longer than a certificate lives: its next one is for the hosts that the one in its Secret is for.
 */
export function issuedHosts(fleet: CompiledFleet, secret: KubeObject | undefined): readonly string[] | undefined {
  if (fleet.kind === 'hold') return hostsIn(pairIn(secret)?.certificate)
  const hosts = fleet.files.flatMap(({ from }) => (from.kind === 'issued' ? from.hosts : []))
  return hosts.length === 0 ? undefined : [...new Set(hosts)]
}

/**
 * The Secret as it should be: with the certificate of `before` where that still serves, else with a new one. `now` is in
 * milliseconds since the epoch.
 */
export async function issuedSecret(
  fleet: Name,
  name: string,
  hosts: readonly string[],
  before: KubeObject | undefined,
  signer: Issued,
  now: number,
): Promise<KubeObject> {
  const pair = pairIn(before)
  const serves = pair !== undefined && (await pairServes(pair, signer, hosts, now))
  const { certificate, key } = serves ? pair : await issue(signer, hosts, now)
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: metadataOf(fleet, name),
    type: 'kubernetes.io/tls',
    data: { 'tls.crt': base64(certificate), 'tls.key': base64(key) },
  }
}

/** Whether its certificate still serves, so that no new one has to be issued. */
export const certificateServes = (
  secret: KubeObject | undefined,
  hosts: readonly string[],
  signer: Issued,
  now: number,
): Promise<boolean> => pairServes(pairIn(secret) ?? {}, signer, hosts, now)

/** When its certificate ends, in milliseconds since the epoch; undefined where there is none that can be read. */
export function certificateEndsAt(secret: KubeObject | undefined): number | undefined {
  const certificate = pairIn(secret)?.certificate
  try {
    return certificate === undefined ? undefined : Date.parse(new X509Certificate(certificate).validTo)
  } catch {
    return undefined
  }
}

function pairIn(secret: KubeObject | undefined): Issued | undefined {
  if (secret === undefined) return undefined
  const [certificate, key] = [textIn(secret, 'tls.crt'), textIn(secret, 'tls.key')]
  return certificate === undefined || key === undefined ? undefined : { certificate, key }
}
