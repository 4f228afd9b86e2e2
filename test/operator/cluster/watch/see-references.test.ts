/** The Secrets and ConfigMaps that policies name are asked for, as far as the answers lead. */
import { expect, test } from 'vitest'
import { inCluster } from '../../../../operator/cluster/assemble.ts'
import type { DeclaredObject } from '../../../../operator/cluster/watch/declared.ts'
import { seeReferences } from '../../../../operator/cluster/watch/see-references.ts'
import { compile } from '../../../../operator/compile/compile.ts'
import type { Reference } from '../../../../operator/compile/compiled.ts'
import { type Keyed, type Name, type Policy, refOf } from '../../../../operator/compile/snapshot.ts'
import { policy, snapshot } from '../../../compile/big-world.ts'

const smarthost = { name: 'out', host: 'smtp.example.net' }
const shared = policy(
  { namespace: 'mail', name: 'shared' },
  {
    listeners: [{ name: 'submission', port: 587, tls: { certificateRef: { name: 'cert' } } }],
    routes: [
      {
        name: 'default',
        smarthosts: [{ ...smarthost, tls: { caRef: { name: 'ca' } }, authRef: { name: 'login' } }],
      },
    ],
  },
)
const declared = (resource: Policy): DeclaredObject => ({
  ref: refOf(resource),
  uid: 'u',
  resourceVersion: '1',
  status: {},
  is: 'valid',
  resource,
})

/** A cluster in which these objects exist, and what was asked of it; what was seen stays so until it is looked at again. */
function cluster(there: ReadonlySet<Reference>) {
  const rounds: Reference[][] = []
  const seen = new Map<Reference, boolean>()
  const look = (reference: Reference): void => void seen.set(reference, there.has(reference))
  const map = (kind: string): ReadonlyMap<Name, Keyed> =>
    new Map(
      [...seen]
        .filter(([r, is]) => is && r.startsWith(`${kind} `))
        .map(([r]) => [r.split(' ')[1] as Name, {}] as const),
    )
  const sightings = {
    see(asked: ReadonlySet<Reference>) {
      rounds.push([...asked].toSorted())
      for (const reference of seen.keys()) if (!asked.has(reference)) seen.delete(reference)
      for (const reference of asked) if (!seen.has(reference)) look(reference)
      return Promise.resolve()
    },
    secrets: () => map('Secret'),
    configMaps: () => map('ConfigMap'),
  }
  return { rounds, sightings, look }
}

const signal = new AbortController().signal
const secrets = ['Secret mail/ca', 'Secret mail/cert', 'Secret mail/login'] as const

test.each<[string, readonly Reference[]]>([
  ['where none of them exists', []],
  ['where all are Secrets', secrets],
  ['where the authority is a ConfigMap', ['ConfigMap mail/ca', 'Secret mail/cert', 'Secret mail/login']],
])('the last round asks for all that compile refers to: %s', async (_name, there) => {
  const { rounds, sightings } = cluster(new Set(there))
  await seeReferences([declared(shared)], inCluster, sightings, signal)
  const facts = { policies: [shared], secrets: sightings.secrets(), configMaps: sightings.configMaps() }
  const { references } = compile(snapshot(facts))
  expect(rounds.at(-1)).toEqual(expect.arrayContaining([...references]))
})

test('when a Secret is deleted while others are looked at, the ConfigMap of its name is asked for', async () => {
  const there = new Set<Reference>(secrets)
  const { rounds, sightings, look } = cluster(there)
  await seeReferences([declared(shared)], inCluster, sightings, signal)
  rounds.length = 0
  const see = (asked: ReadonlySet<Reference>): Promise<void> => {
    there.delete('Secret mail/ca')
    look('Secret mail/ca')
    return sightings.see(asked)
  }
  await seeReferences([declared(shared)], inCluster, { ...sightings, see }, signal)
  expect(rounds).toEqual([[...secrets], ['ConfigMap mail/ca', ...secrets]])
})

test('when no policy names anything, nothing is asked for any more', async () => {
  const { rounds, sightings } = cluster(new Set(secrets))
  await seeReferences([declared(shared)], inCluster, sightings, signal)
  await seeReferences([], inCluster, sightings, signal)
  expect(rounds.at(-1)).toEqual([])
})
