/** Reads a golden case as a fleet: what its YAML compiles to, in a cluster with the facts that it states. */
import { readFileSync } from 'node:fs'
import { parse } from 'yaml'
import { compile } from '../../operator/compile/compile.ts'
import type { ClusterFacts, RelayFleet } from '../../operator/manifests/relay-fleet.ts'
import { snapshotOf } from '../compile/world.ts'

type Facts = {
  readonly kind: string
  readonly cluster?: Partial<ClusterFacts>
  /** The kinds that the case is about, separated by spaces; by default all. */
  readonly show?: string
}

const usual: ClusterFacts = {
  image: 'registry.example/relayfleet@sha256:0000000000000000000000000000000000000000000000000000000000000000',
  operatorNamespace: 'relayfleet-system',
  serviceMonitors: false,
}

export function readFleet(folder: string): { readonly fleet: RelayFleet; readonly shows: (kind: string) => boolean } {
  const text = readFileSync(`${folder}/in.yaml`, 'utf8')
  const { cluster, show } = parse(text.split(/^---$/m)[0] ?? '') as Facts
  return { fleet: fleetOf(text, cluster), shows: (kind) => show === undefined || show.split(' ').includes(kind) }
}

/** @throws Error when the YAML does not compile to a fleet that runs */
export function fleetOf(text: string, cluster: Partial<ClusterFacts> = {}): RelayFleet {
  const { fleets, findings } = compile(snapshotOf(text, new Map()).snapshot)
  const [entry] = fleets
  if (entry?.[1].kind !== 'run') throw new Error(JSON.stringify([...findings]))
  return { name: entry[0], compiled: entry[1], relays: entry[1].replicas, cluster: { ...usual, ...cluster } }
}
