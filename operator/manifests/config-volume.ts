/**
 * The projected volume with a relay's configuration: the Secrets that hold it, and every Secret and ConfigMap that it refers to.
 */
import type { V1Volume, V1VolumeProjection } from '@kubernetes/client-node'
import type { FileSource } from '../compile/compiled.ts'
import { byText } from '../compile/order.ts'
import { splitName } from '../compile/snapshot.ts'
import { configSecretNames, issuedSecretName, signingSecretNames } from './names.ts'
import type { RelayFleet } from './relay-fleet.ts'

type Mounted = {
  readonly kind: 'Secret' | 'ConfigMap'
  readonly name: string
  readonly key: string
  readonly path: string
}

const issuedKeys = { certificate: 'tls.crt', key: 'tls.key' } as const

const mountedFrom =
  (policy: string) =>
  ({ path, from }: FileSource): Mounted =>
    from.kind === 'issued'
      ? { kind: 'Secret', name: issuedSecretName(policy), key: issuedKeys[from.part], path }
      : { kind: from.kind, name: splitName(from.name).name, key: from.key, path }

// A source that is missing or lacks a key must not keep the kubelet from updating the others, or else a revoked credential would
// live on; nor may it keep a pod from starting, as the relay has the last good content of the file on its own volume.
const optional = true

function projection(mounted: readonly Mounted[]): V1VolumeProjection[] {
  const [first] = mounted
  if (first === undefined) return []
  const items = mounted.map(({ key, path }) => ({ key, path })).toSorted((a, b) => byText(a.path, b.path))
  const source = { name: first.name, optional, items }
  return [first.kind === 'Secret' ? { secret: source } : { configMap: source }]
}

/** Sorted by object and path, so that merely reordering a policy's routes does not change the pod template and restart pods. */
function references({ name, compiled }: RelayFleet): readonly V1VolumeProjection[] {
  const mounted = compiled.files.map(mountedFrom(splitName(name).name))
  const byObject = Map.groupBy(mounted, (m) => `${m.kind} ${m.name}`)
  return [...byObject].toSorted(([a], [b]) => byText(a, b)).flatMap(([, files]) => projection(files))
}

/** On a leaving pod: since when. It is an annotation of the pod, and not in the configuration, which all pods share. */
export const drainAnnotation = 'relayfleet.dev/drain'

/** The relay reads the annotation from this file, which is empty while the pod has none. */
const drainFile: V1VolumeProjection = {
  downwardAPI: { items: [{ path: 'drain', fieldRef: { fieldPath: `metadata.annotations['${drainAnnotation}']` } }] },
}

export const configVolume = (fleet: RelayFleet, policy: string = splitName(fleet.name).name): V1Volume => ({
  name: 'config',
  projected: {
    defaultMode: 0o440,
    sources: [
      ...[...configSecretNames(policy), ...signingSecretNames(policy)].map((name) => ({ secret: { name, optional } })),
      ...references(fleet),
      drainFile,
    ],
  },
})
