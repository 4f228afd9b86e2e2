/** Only some changes of a status are worth an Event. */
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
  [
    'a credential that is refused makes an Event',
    credential,
    [],
    ['Accepted False NotAllowedByPolicy'],
    ['Warning NotAllowedByPolicy'],
  ],
  [
    'a credential that is refused for another reason than before makes an Event',
    credential,
    ['Accepted False NotAllowedByPolicy'],
    ['Accepted False PolicyNotFound'],
    ['Warning PolicyNotFound'],
  ],
  [
    'a credential that is still refused after a restart of the operator makes none',
    credential,
    ['Accepted False PolicyNotFound', 'Ready False PolicyNotFound'],
    ['Accepted False PolicyNotFound', 'Ready False PolicyNotFound'],
    [],
  ],
  [
    'a credential that was ready and is refused makes one Event, not one for Ready too',
    credential,
    ['Accepted True Accepted', 'Ready True Ready'],
    ['Accepted False PolicyNotFound', 'Ready False PolicyNotFound'],
    ['Warning PolicyNotFound'],
  ],
  [
    'a store of limits that does not answer any more makes an Event',
    policy,
    ['Degraded False AsExpected', 'Ready True Ready'],
    ['Degraded True LimitStoreAway', 'Ready True Ready'],
    ['Warning LimitStoreAway'],
  ],
  ['a queue that gets old makes none', policy, ['Degraded False AsExpected'], ['Degraded True QueueOld'], []],
  [
    'a DKIM key that waits for its record makes an Event',
    domain,
    ['RotationInProgress True RelaysFollow'],
    ['RotationInProgress True RecordPending'],
    ['Warning RecordPending'],
  ],
  [
    'a DKIM key whose record is seen makes a normal Event',
    domain,
    ['RotationInProgress True RecordPending'],
    ['RotationInProgress True RecordSeen'],
    ['Normal RecordSeen'],
  ],
  ['a policy that is pending makes none', policy, [], ['Programmed Unknown Pending', 'Ready Unknown Pending'], []],
  [
    'a relay that lags for a moment makes none',
    policy,
    ['Ready True Ready'],
    ['Programmed False NotLoaded', 'Ready False NotLoaded'],
    [],
  ],
  [
    'a relay that lags for long makes an Event',
    policy,
    ['Programmed False NotLoaded', 'Ready False NotLoaded'],
    ['Programmed False Lagging', 'Ready False Lagging'],
    ['Warning Lagging'],
  ],
  [
    'a relay with another spool makes an Event',
    policy,
    ['Ready True Ready'],
    ['SpoolReset True SpoolReplaced', 'Ready True Ready'],
    ['Warning SpoolReplaced'],
  ],
  [
    'a fleet without a ready relay makes an Event',
    policy,
    ['Ready True Ready'],
    ['Ready False NoRelayReady'],
    ['Warning NoRelayReady'],
  ],
  [
    'a fleet that is ready again makes a normal Event',
    policy,
    ['Ready False NoRelayReady'],
    ['Ready True Ready'],
    ['Normal Ready'],
  ],
  [
    'a credential whose fleet is down makes none',
    credential,
    ['Ready True Ready'],
    ['Ready False PolicyNotProgrammed'],
    [],
  ],
  [
    'a credential whose fleet is back makes none',
    credential,
    ['Ready False PolicyNotProgrammed'],
    ['Ready True Ready'],
    [],
  ],
  [
    'a credential that expires makes an Event',
    credential,
    ['Ready True Ready'],
    ['Ready False Expired'],
    ['Warning Expired'],
  ],
  [
    'a certificate that ends soon makes an Event',
    policy,
    ['CertificateValid True CertificateValid'],
    ['CertificateValid False CertificateExpiresSoon'],
    ['Warning CertificateExpiresSoon'],
  ],
])('%s', (_name, ref, before, after, told) => {
  const occasions = statusOccasions(ref, 'uid', { before: conditions(...before), after: conditions(...after) })
  expect(occasions.map(({ type, reason }) => `${type} ${reason}`)).toEqual(told)
})

test('the Event is about the object with its uid, in the namespace of the object', () => {
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

test('a replaced authority makes an Event for each fleet that has run, unless all its certificates are its own', () => {
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
