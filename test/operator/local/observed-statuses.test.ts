/** The statuses of local mode join what was compiled with what the relays report, and stay as they were where nothing is known. */
import { expect, test } from 'vitest'
import type { Compiled, Condition, Status } from '../../../operator/compile/compiled.ts'
import type { Name, Ref } from '../../../operator/compile/snapshot.ts'
import { observedStatuses, type Statuses, unreadStatuses } from '../../../operator/local/observed-statuses.ts'
import type { Standing } from '../../../operator/standing.ts'
import type { RelayConfig } from '../../../relay/config.ts'

const condition = (type: string, status: Condition['status'], reason: string = status): Condition => ({
  type,
  status,
  reason,
  message: `${type} ${reason}`,
})
const pending = [condition('Accepted', 'True'), condition('Programmed', 'Unknown', 'Pending')]
const compiledWith = (conditions: readonly Condition[], kind: 'run' | 'hold' = 'run'): Compiled => {
  const status: Status = { observedGeneration: 3, conditions }
  const config = { credentials: [{ name: 'team-a/web' }] } as unknown as RelayConfig
  return {
    fleets: new Map([
      [
        'mail/shared',
        kind === 'run'
          ? {
              kind,
              config,
              replicas: 1,
              ports: [],
              availability: { maxUnavailable: 1, drainTimeoutMs: 1_800_000 },
              storage: '10Gi',
              files: [],
            }
          : { kind },
      ],
    ]),
    bindings: new Map(),
    guides: new Map(),
    heldBindings: new Set(),
    findings: new Map(),
    statuses: new Map<Ref, Status>([
      ['RelayPolicy mail/shared', status],
      ['RelayCredential team-a/web', status],
      ['RelayCredential team-a/other', status],
    ]),
    references: new Set(),
    domainChecks: new Map(),
    publications: new Map(),
  }
}
const good: Standing = {
  settled: true,
  programmed: condition('Programmed', 'True', 'Programmed'),
  further: [condition('Degraded', 'False', 'AsExpected')],
  fields: { replicas: 1, configHash: 'sha256:x' },
}
const bad: Standing = {
  settled: true,
  programmed: condition('Programmed', 'False', 'RelayNotRunning'),
  further: [],
  fields: { replicas: 0 },
}
const standings = (standing: Standing): ReadonlyMap<Name, Standing> => new Map([['mail/shared', standing]])
const nothing: Statuses = new Map()
const shown = (statuses: Statuses, ref: Ref, type: string): string => {
  const found = statuses.get(ref)?.conditions.find((c) => c.type === type)
  return `${found?.status} ${found?.reason}`
}
const at = (minute: number): string => `2026-11-24T00:0${minute}:00.000Z`

test('Programmed of a policy is what its relay reports, and Ready follows from it', () => {
  const statuses = observedStatuses(compiledWith(pending), standings(good), nothing, at(0))
  expect(shown(statuses, 'RelayPolicy mail/shared', 'Programmed')).toBe('True Programmed')
  expect(shown(statuses, 'RelayPolicy mail/shared', 'Degraded')).toBe('False AsExpected')
  expect(shown(statuses, 'RelayPolicy mail/shared', 'Ready')).toBe('True Ready')
  expect(statuses.get('RelayPolicy mail/shared')).toMatchObject({ replicas: 1, configHash: 'sha256:x' })
})

test('a credential is programmed when its relay is, if it is in the configuration of that relay', () => {
  const statuses = observedStatuses(compiledWith(pending), standings(good), nothing, at(0))
  expect(shown(statuses, 'RelayCredential team-a/web', 'Programmed')).toBe('True Programmed')
  expect(shown(statuses, 'RelayCredential team-a/other', 'Programmed')).toBe('Unknown Pending')
})

test('a credential is not ready any more from its expiresAt on', () => {
  const compiled = compiledWith(pending)
  const config = { credentials: [{ name: 'team-a/web', expiresAt: Date.parse(at(5)) }] } as unknown as RelayConfig
  const fleets = new Map([['mail/shared', { ...compiled.fleets.get('mail/shared'), config }]]) as Compiled['fleets']
  const ready = (now: string): string =>
    shown(
      observedStatuses({ ...compiled, fleets }, standings(good), nothing, now),
      'RelayCredential team-a/web',
      'Ready',
    )
  expect(ready(at(4))).toBe('True Ready')
  expect(ready(at(5))).toBe('False Expired')
})

test('the credentials of a relay that fails are not ready, and their message names the policy', () => {
  const statuses = observedStatuses(compiledWith(pending), standings(bad), nothing, at(0))
  expect(shown(statuses, 'RelayCredential team-a/web', 'Ready')).toBe('False PolicyNotProgrammed')
  const message = statuses.get('RelayCredential team-a/web')?.conditions.find((c) => c.type === 'Programmed')?.message
  expect(message).toContain('RelayPolicy mail/shared')
  expect(statuses.get('RelayPolicy mail/shared')).toMatchObject({ replicas: 0 })
})

test('while a relay has not reported, its conditions stay', () => {
  const before = observedStatuses(compiledWith(pending), standings(good), nothing, at(0))
  const statuses = observedStatuses(compiledWith(pending), new Map(), before, at(1))
  expect(shown(statuses, 'RelayPolicy mail/shared', 'Programmed')).toBe('True Programmed')
  expect(shown(statuses, 'RelayCredential team-a/web', 'Programmed')).toBe('True Programmed')
})

test.each([
  'Held',
  'NotUsable',
  'NoTokenIssuer',
  'TokenIssuerUnknown',
])('the reason %s, which only compile gives, is dropped once its cause is mended and the relay is waited for', (reason) => {
  const wrong = [condition('Accepted', 'False', 'Invalid'), condition('Programmed', 'False', reason)]
  const before = observedStatuses(compiledWith(wrong, 'hold'), new Map(), nothing, at(0))
  const mended = observedStatuses(compiledWith(pending), new Map(), before, at(1))
  for (const ref of ['RelayPolicy mail/shared', 'RelayCredential team-a/web'] as const) {
    expect(shown(before, ref, 'Programmed')).toBe(`False ${reason}`)
    expect(shown(mended, ref, 'Ready')).toBe('Unknown Pending')
  }
})

test.each([
  ['Degraded', 'True', 'QueueOld'],
  ['CertificateValid', 'False', 'CertificateExpiresSoon'],
] as const)('%s stays with its time while an edit is loaded', (type, status, reason) => {
  const degraded = { ...good, further: [condition(type, status, reason)] }
  const before = observedStatuses(compiledWith(pending), standings(degraded), nothing, at(0))
  const unseen = observedStatuses(compiledWith(pending), new Map(), before, at(1))
  const seen = observedStatuses(compiledWith(pending), standings(degraded), unseen, at(2))
  for (const statuses of [unseen, seen])
    expect(statuses.get('RelayPolicy mail/shared')?.conditions).toContainEqual(
      expect.objectContaining({ type, status, reason, lastTransitionTime: at(0) }),
    )
  const mended = observedStatuses(compiledWith(pending), standings(bad), unseen, at(2))
  expect(shown(mended, 'RelayPolicy mail/shared', type)).toBe('undefined undefined')
})

test('before any report a policy is Pending', () => {
  const statuses = observedStatuses(compiledWith(pending), new Map(), nothing, at(0))
  expect(shown(statuses, 'RelayPolicy mail/shared', 'Ready')).toBe('Unknown Pending')
})

test('a held fleet is not programmed, whatever its relay reports', () => {
  const held = [condition('Accepted', 'False', 'Invalid'), condition('Programmed', 'False', 'Held')]
  const statuses = observedStatuses(compiledWith(held, 'hold'), standings(good), nothing, at(0))
  expect(shown(statuses, 'RelayPolicy mail/shared', 'Programmed')).toBe('False Held')
  expect(shown(statuses, 'RelayPolicy mail/shared', 'Degraded')).toBe('False AsExpected')
})

test('the same report again changes nothing, not even a time', () => {
  const first = observedStatuses(compiledWith(pending), standings(good), nothing, at(0))
  expect(observedStatuses(compiledWith(pending), standings(good), first, at(1))).toEqual(first)
})

test('the time of a condition is that of its last change', () => {
  const first = observedStatuses(compiledWith(pending), standings(good), nothing, at(0))
  const second = observedStatuses(compiledWith(pending), standings(bad), first, at(1))
  const times = second.get('RelayPolicy mail/shared')?.conditions.map((c) => [c.type, c.lastTransitionTime])
  expect(times).toEqual([
    ['Accepted', at(0)],
    ['Programmed', at(1)],
    ['Ready', at(1)],
  ])
})

test('an object that may be in an unreadable file is Unread, with the file, and keeps its other conditions', () => {
  const before = observedStatuses(compiledWith(pending), standings(good), nothing, at(0))
  const none = { ...compiledWith(pending), statuses: new Map() }
  const statuses = unreadStatuses(before, none, ['fleet.yaml'], at(1))
  expect(shown(statuses, 'RelayPolicy mail/shared', 'Accepted')).toBe('Unknown Unread')
  expect(shown(statuses, 'RelayPolicy mail/shared', 'Ready')).toBe('Unknown Unread')
  expect(shown(statuses, 'RelayPolicy mail/shared', 'Programmed')).toBe('True Programmed')
  expect(JSON.stringify([...statuses.values()])).toContain('fleet.yaml')
  expect(unreadStatuses(before, none, [], at(1))).toEqual(before)
})

test('an object that was compiled is not Unread', () => {
  const before = observedStatuses(compiledWith(pending), standings(good), nothing, at(0))
  expect(unreadStatuses(before, compiledWith(pending), ['fleet.yaml'], at(1))).toEqual(new Map())
})
