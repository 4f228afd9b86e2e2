/** What compile remembers of frozen objects never makes its result another one than that of a fresh compile, whatever else has changed. */
import { expect, test } from 'vitest'
import { deepFreeze } from '../../operator/cluster/watch/freeze.ts'
import { compile } from '../../operator/compile/compile.ts'
import type { Snapshot } from '../../operator/compile/snapshot.ts'
import { bigSnapshot, credential } from './big-world.ts'

const before = bigSnapshot(20, 60)
deepFreeze([before.policies, before.domains, before.credentials])

const rival = credential(
  { namespace: 'team-1', name: 'rival', creationTimestamp: '2020-01-01T00:00:00Z' },
  {
    policyRef: { name: 'policy-1', namespace: 'mail' },
    senderDomainRefs: [{ name: 'domain-1', namespace: 'mail' }],
    secretTemplate: { name: 'app-1' },
  },
)

const changes: Readonly<Record<string, Partial<Snapshot>>> = {
  nothing: {},
  'a policy is gone': { policies: before.policies.slice(1) },
  'a domain is gone': { domains: before.domains.slice(1) },
  'a domain is claimed by somebody older': {
    domains: before.domains.map((d, i) =>
      i === 8
        ? {
            ...d,
            namespace: 'other',
            creationTimestamp: '2020-01-01T00:00:00Z',
            spec: { ...d.spec, domain: 'd0.example' },
          }
        : d,
    ),
  },
  'no namespace has labels any more': { namespaces: new Map() },
  'all keys of credentials are gone': { bindingKeys: new Map() },
  'a list could not be read': { unread: ['a list'], namespaces: new Map() },
  'somebody else has a Secret of a name that a credential asks for': {
    secrets: new Map([['team-2/app-2', { type: 'Opaque' }]]),
  },
  'an older credential asks for the Secret of another one': { credentials: [...before.credentials, rival] },
  'the fleets run on this machine instead of in a cluster': {
    place: { listenAddress: '127.0.0.1', clientHost: '127.0.0.1', lowPorts: false },
  },
}

test.each(
  Object.entries(changes),
)('with this change, compile gives what a fresh compile gives: %s', (_name, change) => {
  compile(before)
  const now: Snapshot = { ...before, ...change }
  const found = compile(now)
  // A copy is not frozen, so nothing of it is remembered.
  expect(found).toEqual(compile(structuredClone(now)))
  expect(compile(before)).toEqual(compile(structuredClone(before)))
})
