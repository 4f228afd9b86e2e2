/** What policies name is asked for as far as the answers lead. */
import { expect, test } from 'vitest'
import { inCluster } from '../../../operator/cluster/assemble.ts'
import { seeReferences } from '../../../operator/cluster/see-references.ts'
import type { DeclaredObject } from '../../../operator/cluster/world.ts'
import { compile } from '../../../operator/compile/compile.ts'
import type { Reference } from '../../../operator/compile/compiled.ts'
import { type Keyed, type Name, type Policy, refOf } from '../../../operator/compile/snapshot.ts'
import { policy, snapshot } from '../../compile/big-world.ts'

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

/** A cluster in which these are, and what was asked of it. */
function cluster(there: ReadonlySet<Reference>) {
  const rounds: Reference[][] = []
  let seen: readonly Reference[] = []
  const map = (kind: string): ReadonlyMap<Name, Keyed> =>
    new Map(seen.filter((r) => there.has(r) && r.startsWith(`${kind} `)).map((r) => [r.split(' ')[1] as Name, {}]))
  return {
    rounds,
    sightings: {
      see(asked: ReadonlySet<Reference>) {
        rounds.push([...asked].toSorted())
        seen = [...asked]
        return Promise.resolve()
      },
      secrets: () => map('Secret'),
      configMaps: () => map('ConfigMap'),
    },
  }
}

const signal = new AbortController().signal
const secrets = ['Secret mail/ca', 'Secret mail/cert', 'Secret mail/login'] as const

test.each<[string, readonly Reference[]]>([
  ['nothing is there', []],
  ['all are Secrets', secrets],
  ['the authority is a ConfigMap', ['ConfigMap mail/ca', 'Secret mail/cert', 'Secret mail/login']],
])('in the end it is what compile asks for: %s', async (_name, there) => {
  const { rounds, sightings } = cluster(new Set(there))
  await seeReferences([declared(shared)], inCluster, sightings, signal)
  const facts = { policies: [shared], secrets: sightings.secrets(), configMaps: sightings.configMaps() }
  const { references } = compile(snapshot(facts))
  expect(rounds.at(-1)).toEqual(expect.arrayContaining([...references]))
})

test('a Secret that goes leads to the ConfigMap of its name', async () => {
  const there = new Set<Reference>(secrets)
  const { rounds, sightings } = cluster(there)
  await seeReferences([declared(shared)], inCluster, sightings, signal)
  there.delete('Secret mail/ca')
  await seeReferences([declared(shared)], inCluster, sightings, signal)
  expect(rounds.at(-1)).toEqual(['ConfigMap mail/ca', ...secrets])
})

test('when nothing is named, nothing is asked for any longer', async () => {
  const { rounds, sightings } = cluster(new Set(secrets))
  await seeReferences([declared(shared)], inCluster, sightings, signal)
  await seeReferences([], inCluster, sightings, signal)
  expect(rounds.at(-1)).toEqual([])
})
