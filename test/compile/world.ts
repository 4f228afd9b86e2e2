/** Reads a golden case as a snapshot: the objects of its YAML, the facts that are in no object, and what ran before. */
import { existsSync, readFileSync } from 'node:fs'
import { parse } from 'yaml'
import { compile } from '../../operator/compile/compile.ts'
import {
  type BindingKeys,
  type Credential,
  type Name,
  nameOf,
  type Place,
  type Snapshot,
} from '../../operator/compile/snapshot.ts'
import type { DkimAlgorithm, DkimKey, HeldKey } from '../../operator/lifecycle/dkim-key.ts'
import type { DomainKeys } from '../../operator/lifecycle/domain-keys.ts'
import type { Key } from '../../operator/lifecycle/keys.ts'
import { declaredFacts } from '../../operator/local/declared.ts'
import { readObjects } from '../../operator/local/objects.ts'
import { parseConfig, type RelayConfig } from '../../relay/config.ts'

/** The first document of a case, `kind: Facts`; all of it is optional. */
export type Facts = {
  readonly place?: 'cluster' | 'machine' | 'machineWithLowPorts'
  readonly unread?: readonly string[]
  /** RelayPolicies that are being deleted, and are kept until their mail is gone. */
  readonly leaving?: readonly string[]
  /** The keys, or only their ids, of each RelayCredential; one that is left out has no Secret yet. By default all have `k1`. */
  readonly keys?: Readonly<Record<string, readonly (string | (Partial<Key> & Pick<Key, 'id'>))[]>>
  /** The ids of the issuer's keys, or the reason why they are not known; without it there is no issuer. */
  readonly tokenIssuer?: readonly string[] | string
  /** Whole configurations that ran before; in most cases `before.yaml` says more clearly what ran. */
  readonly running?: readonly unknown[]
  /**
   * The keys of each SenderDomain, as `selector algorithm` and the name that the selector is delegated to, if it is: those that
   * sign (without `sign`, that is not known), and those that are retired.
   */
  readonly domainKeys?: Readonly<
    Record<
      string,
      { readonly sign?: readonly string[]; readonly retired?: readonly string[] } & Partial<
        Pick<DomainKeys, 'lost' | 'found'>
      >
    >
  >
  /** The records of each SenderDomain that have been broken for longer than its grace. */
  readonly brokenRecords?: Readonly<Record<string, readonly string[]>>
  /** With `full`, configurations and conditions are shown word by word. */
  readonly show?: 'full'
}

const places: Readonly<Record<NonNullable<Facts['place']>, Place>> = {
  cluster: { listenAddress: '::', lowPorts: false },
  machine: { listenAddress: '127.0.0.1', clientHost: '127.0.0.1', lowPorts: false, relays: 1 },
  machineWithLowPorts: { listenAddress: '127.0.0.1', clientHost: '127.0.0.1', lowPorts: true, relays: 1 },
}

function heldKey(text: string): HeldKey {
  const [selector = '', algorithm = '', delegatedTo] = text.split(' ')
  const key = { selector, algorithm: algorithm as DkimAlgorithm, publicKey: `of-${selector}` }
  return { ...key, ...(delegatedTo !== undefined && { delegatedTo }) }
}

const domainKeys = (facts: Facts): ReadonlyMap<Name, DomainKeys> =>
  new Map(
    Object.entries(facts.domainKeys ?? {}).map(([name, { sign, retired = [], lost, found = [] }]) => {
      const keys = (sign ?? []).map(heldKey)
      const at = (stage: DkimKey['stage']) => (key: HeldKey) => ({ ...key, stage, since: Date.UTC(2026, 0, 1) })
      const recorded = [...retired.map(heldKey).map(at('Retired')), ...keys.map(at('Active'))]
      return [name as Name, { ...(sign !== undefined && { sign: keys }), ...(lost && { lost }), keys: recorded, found }]
    }),
  )

function bindingKeys(facts: Facts, credentials: readonly { readonly namespace: string; readonly name: string }[]) {
  const given = (name: Name) => (facts.keys === undefined ? ['k1'] : facts.keys[name])
  return new Map<Name, BindingKeys>(
    credentials.flatMap((c) => {
      const keys = given(nameOf(c))?.map((key): Key => {
        const { id, ...its } = typeof key === 'string' ? { id: key } : key
        return { id, verifier: `sha256:of-${c.name}-${id}`, ...its }
      })
      return keys === undefined ? [] : [[nameOf(c), { username: `${c.name}.${c.namespace}`, keys }] as const]
    }),
  )
}

function tokenIssuer({ tokenIssuer: given }: Facts): Pick<Snapshot, 'tokenIssuer'> {
  if (given === undefined) return {}
  if (typeof given === 'string') return { tokenIssuer: { is: 'unknown', why: given } }
  const keys = given.map((id) => ({ id, algorithm: 'RS256', publicKey: `of-${id}` }) as const)
  return { tokenIssuer: { is: 'known', issuer: 'https://kubernetes.default.svc', keys } }
}

/** The facts and the objects of one text. */
function readWorld(text: string): { readonly facts: Facts; readonly objects: string } {
  const [first = '', ...rest] = text.split(/^---$/m)
  const head = parse(first) as Facts & { readonly kind: string }
  return head.kind === 'Facts' ? { facts: head, objects: rest.join('---') } : { facts: {}, objects: text }
}

export function snapshotOf(
  text: string,
  running: ReadonlyMap<Name, RelayConfig>,
): { snapshot: Snapshot; facts: Facts } {
  const { facts, objects } = readWorld(text)
  const read = readObjects(objects, 'in.yaml')
  if (read.unread.length > 0) throw new Error(`the case is not readable: ${JSON.stringify(read.problems)}`)
  const declared = declaredFacts(read.objects)
  const credentials = [...declared.credentials, ...declared.invalid.filter((i) => i.kind === 'RelayCredential')]
  const given = (facts.running ?? []).map((c) => parseConfig(JSON.stringify(c)))
  const said = <T extends { readonly kind: string; readonly namespace: string; readonly name: string }>(one: T) =>
    one.kind === 'RelayPolicy' && facts.leaving?.includes(nameOf(one)) === true
      ? { ...one, leaving: true as const }
      : one
  const snapshot = {
    ...declared,
    policies: declared.policies.map(said),
    invalid: declared.invalid.map(said),
    unread: facts.unread ?? [],
    bindingKeys: bindingKeys(facts, credentials as readonly Credential[]),
    ...tokenIssuer(facts),
    running: new Map([...running, ...given.map((c) => [c.policy as Name, c] as const)]),
    place: places[facts.place ?? 'cluster'],
    domainKeys: domainKeys(facts),
    brokenRecords: new Map(Object.entries(facts.brokenRecords ?? {}) as [Name, readonly string[]][]),
  }
  return { snapshot, facts }
}

/** The configurations that `before.yaml` compiles to; none without that file. */
function runningSince(file: string): ReadonlyMap<Name, RelayConfig> {
  if (!existsSync(file)) return new Map()
  const { fleets } = compile(snapshotOf(readFileSync(file, 'utf8'), new Map()).snapshot)
  return new Map([...fleets].flatMap(([name, f]) => (f.kind === 'run' ? [[name, f.config] as const] : [])))
}

export function readCase(folder: string): { readonly snapshot: Snapshot; readonly facts: Facts } {
  return snapshotOf(readFileSync(`${folder}/in.yaml`, 'utf8'), runningSince(`${folder}/before.yaml`))
}
