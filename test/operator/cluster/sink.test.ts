/** The sink gives each part of the operator what was compiled for it, with an authority and without. */
import { expect, test } from 'vitest'
import { clusterSink } from '../../../operator/cluster/sink.ts'
import type { Binding, Compiled, Guide } from '../../../operator/compile/compiled.ts'
import type { Name, Ref } from '../../../operator/compile/snapshot.ts'

const binding = (issuedByOperator: boolean): Binding => ({
  secretName: 'smtp',
  labels: {},
  annotations: {},
  username: 'web',
  host: 'relay.example.org',
  port: 587,
  scheme: 'smtp',
  issuedByOperator,
  fleet: 'mail/shared',
  rotation: { overlapMs: 172_800_000, trigger: '' },
})
const compiled: Compiled = {
  fleets: new Map(),
  bindings: new Map<Name, Binding>([
    ['a/issued', binding(true)],
    ['a/own', binding(false)],
  ]),
  guides: new Map<Name, Guide>([['a/token', { ...binding(true), configMapName: 'token-smtp' }]]),
  heldBindings: new Set<Name>(['a/held']),
  findings: new Map(),
  statuses: new Map(),
  references: new Set(),
  domainChecks: new Map(),
  publications: new Map(),
}

const uids: ReadonlyMap<Ref, string> = new Map([['RelayPolicy mail/shared', 'u']])

async function given(authority: string | undefined) {
  const log: unknown[] = []
  const sink = clusterSink({
    bindings: {
      give: ({ bindings, heldBindings }, bundle) => log.push([...bindings.keys()], [...heldBindings], bundle),
    },
    guides: { give: (guides, bundle) => log.push([...guides.keys()], bundle ?? 'none') },
    fleets: { give: (c) => log.push(c === compiled) },
    reporter: { give: (c, u) => log.push(c === compiled && u === uids) },
    verifier: { give: (checks) => log.push(checks === compiled.domainChecks) },
    publisher: { give: (records, u) => log.push(records === compiled.publications && u === uids) },
    authority: () => authority,
    uids: () => uids,
  })
  await sink.apply(compiled, new AbortController().signal)
  await sink.report(compiled)
  return log
}

test('with an authority each part gets all that was compiled for it, and bindings get the bundle', async () => {
  expect(await given('PEM')).toEqual([
    ['a/issued', 'a/own'],
    ['a/held'],
    'PEM',
    ['a/token'],
    'PEM',
    true,
    true,
    true,
    true,
  ])
})

test('without an authority the bindings that need it are held, so that they keep the Secret that exists', async () => {
  expect(await given(undefined)).toEqual([
    ['a/own'],
    ['a/held', 'a/issued'],
    '',
    ['a/token'],
    'none',
    true,
    true,
    true,
    true,
  ])
})
