/** Which turns of fortune are worth an Event. */
import { expect, test } from 'vitest'
import { authorityOccasions, statusOccasions } from '../../../../operator/cluster/statuses/status-occasions.ts'
import type { Condition } from '../../../../operator/compile/compiled.ts'
import type { Ref } from '../../../../operator/compile/snapshot.ts'

const policy: Ref = 'RelayPolicy mail/shared'
const domain: Ref = 'SenderDomain mail/example'
const credential: Ref = 'RelayCredential team-a/web'

/** `Ready False NotLoaded` */
const conditions = (...lines: readonly string[]): readonly Condition[] =>
  lines.map((line) => {
    const [type = '', status, reason = ''] = line.split(' ')
    return { type, status: status as Condition['status'], reason, message: `${reason} it is` }
  })

test.each<[string, Ref, readonly string[], readonly string[], readonly string[]]>([
  ['a credential is refused', credential, [], ['Accepted False NotAllowedByPolicy'], ['Warning NotAllowedByPolicy']],
  [
    'for another reason than before',
    credential,
    ['Accepted False NotAllowedByPolicy'],
    ['Accepted False PolicyNotFound'],
    ['Warning PolicyNotFound'],
  ],
  [
    'it is refused still, and the operator was started again',
    credential,
    ['Accepted False PolicyNotFound', 'Ready False PolicyNotFound'],
    ['Accepted False PolicyNotFound', 'Ready False PolicyNotFound'],
    [],
  ],
  [
    'refused after all was well: once',
    credential,
    ['Accepted True Accepted', 'Ready True Ready'],
    ['Accepted False PolicyNotFound', 'Ready False PolicyNotFound'],
    ['Warning PolicyNotFound'],
  ],
  [
    'the store of limits goes away',
    policy,
    ['Degraded False AsExpected', 'Ready True Ready'],
    ['Degraded True LimitStoreAway', 'Ready True Ready'],
    ['Warning LimitStoreAway'],
  ],
  ['mail waits', policy, ['Degraded False AsExpected'], ['Degraded True QueueOld'], []],
  [
    'a key waits for its record',
    domain,
    ['RotationInProgress True RelaysFollow'],
    ['RotationInProgress True RecordPending'],
    ['Warning RecordPending'],
  ],
  [
    'what follows goes by itself',
    domain,
    ['RotationInProgress True RecordPending'],
    ['RotationInProgress True RecordSeen'],
    ['Normal RecordSeen'],
  ],
  ['pending', policy, [], ['Programmed Unknown Pending', 'Ready Unknown Pending'], []],
  ['a relay lags a moment', policy, ['Ready True Ready'], ['Programmed False NotLoaded', 'Ready False NotLoaded'], []],
  [
    'and for long',
    policy,
    ['Programmed False NotLoaded', 'Ready False NotLoaded'],
    ['Programmed False Lagging', 'Ready False Lagging'],
    ['Warning Lagging'],
  ],
  [
    'a relay has another spool',
    policy,
    ['Ready True Ready'],
    ['SpoolReset True SpoolReplaced', 'Ready True Ready'],
    ['Warning SpoolReplaced'],
  ],
  ['no relay is ready', policy, ['Ready True Ready'], ['Ready False NoRelayReady'], ['Warning NoRelayReady']],
  ['one is again', policy, ['Ready False NoRelayReady'], ['Ready True Ready'], ['Normal Ready']],
  ['its fleet is away', credential, ['Ready True Ready'], ['Ready False PolicyNotProgrammed'], []],
  ['and is back', credential, ['Ready False PolicyNotProgrammed'], ['Ready True Ready'], []],
  ['its time is over', credential, ['Ready True Ready'], ['Ready False Expired'], ['Warning Expired']],
  [
    'a certificate ends soon',
    policy,
    ['CertificateValid True CertificateValid'],
    ['CertificateValid False CertificateExpiresSoon'],
    ['Warning CertificateExpiresSoon'],
  ],
])('%s', (_name, ref, before, after, told) => {
  const occasions = statusOccasions(ref, 'uid', { before: conditions(...before), after: conditions(...after) })
  expect(occasions.map(({ type, reason }) => `${type} ${reason}`)).toEqual(told)
})

test('it is told where the object is, of the very object', () => {
  const [occasion] = statusOccasions(credential, 'u1', {
    before: [],
    after: conditions('Accepted False PolicyNotFound'),
  })
  expect(occasion).toMatchObject({
    regarding: {
      apiVersion: 'relayfleet.dev/v1alpha1',
      kind: 'RelayCredential',
      namespace: 'team-a',
      name: 'web',
      uid: 'u1',
    },
    note: 'PolicyNotFound it is',
  })
})

test('another authority is told of the fleets that have run, and show its certificates', () => {
  const ran = { configHash: 'sha256:a' }
  const own = { mode: 'StartTLS', certificateRef: { name: 'own' } }
  const declared = (ref: Ref, status: object, ...tls: readonly object[]) =>
    ({ ref, uid: 'u', status, is: 'valid', resource: { spec: { listeners: tls.map((t) => ({ tls: t })) } } }) as never
  const told = authorityOccasions(
    [
      declared('RelayPolicy mail/ran', ran, own, { mode: 'Implicit' }),
      declared('RelayPolicy mail/own', ran, own),
      declared('RelayPolicy mail/new', {}, { mode: 'StartTLS' }),
      declared('SenderDomain mail/example', ran, { mode: 'StartTLS' }),
      { ref: 'RelayPolicy mail/bad', uid: 'u', status: ran, is: 'invalid' } as never,
    ],
    'Secret system/ca',
  )
  expect(told.map(({ regarding, type, reason }) => `${regarding.name} ${type} ${reason}`)).toEqual([
    'ran Warning AuthorityReplaced',
    'bad Warning AuthorityReplaced',
  ])
  expect(told[0]?.note).toContain('Secret system/ca')
})
