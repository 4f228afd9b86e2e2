/** What a credential is owed, which is what its binding Secret has to contain, for tests. */
import type { Owed } from '../../../operator/cluster/bindings/binding-object.ts'
import { credentialOwner } from '../../../operator/cluster/write/ownership.ts'
import type { Binding } from '../../../operator/compile/compiled.ts'

const binding = (over: Partial<Binding> = {}): Binding => ({
  secretName: 'smtp',
  labels: {},
  annotations: {},
  username: 'web.team-a',
  host: 'shared.mail.svc',
  port: 587,
  scheme: 'smtp',
  issuedByOperator: true,
  fleet: 'mail/shared',
  rotation: { overlapMs: 172_800_000, trigger: '' },
  ...over,
})

export const owed = (over: Partial<Binding> = {}, authority = 'THE BUNDLE'): Owed => ({
  binding: binding(over),
  authority,
  owner: credentialOwner({ namespace: 'team-a', name: 'web', uid: 'uid-web' }),
})
