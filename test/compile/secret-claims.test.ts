/** Where two credentials ask for a binding Secret of the same name, the one that has that Secret keeps it; where neither has it, the older one gets it. */
import { expect, test } from 'vitest'
import { compile } from '../../operator/compile/compile.ts'
import type { Name, Snapshot } from '../../operator/compile/snapshot.ts'
import { credential, domain, policy, snapshot } from './big-world.ts'

const of = (name: string, secret = name) =>
  credential(
    { namespace: 'mail', name, creationTimestamp: name === 'older' ? '2026-01-01T00:00:00Z' : '2026-02-01T00:00:00Z' },
    { policyRef: { name: 'shared' }, senderDomainRefs: [{ name: 'corp' }], secretTemplate: { name: secret } },
  )

const world = (facts: Partial<Snapshot>): Snapshot =>
  snapshot({
    policies: [policy({ namespace: 'mail', name: 'shared' })],
    domains: [domain({ namespace: 'mail', name: 'corp' }, { domain: 'corp.example' })],
    ...facts,
  })

const accepted = (facts: Partial<Snapshot>, name: string): string | undefined =>
  compile(world(facts))
    .statuses.get(`RelayCredential mail/${name}`)
    ?.conditions.find(({ type }) => type === 'Accepted')?.reason

test('an older credential that asks for the Secret of a younger one is refused as long as the younger one has that Secret', () => {
  const formerSecrets = new Map([['mail/older' as Name, 'older']])
  const renamed = { credentials: [of('older', 'newer'), of('newer')], formerSecrets }
  expect([accepted(renamed, 'older'), accepted(renamed, 'newer')]).toEqual(['Conflicted', 'Accepted'])

  const unbound = { ...renamed, bindingKeys: new Map() }
  expect([accepted(unbound, 'older'), accepted(unbound, 'newer')], 'neither has the Secret').toEqual([
    'Accepted',
    'Conflicted',
  ])
  const written = { ...renamed, formerSecrets: new Map() }
  expect([accepted(written, 'older'), accepted(written, 'newer')], 'the older one has the Secret').toEqual([
    'Accepted',
    'Conflicted',
  ])
})
