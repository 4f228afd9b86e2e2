/** A credential without a binding is answered with the near name, or with how to find out what is wrong with it. */
import { expect, test } from 'vitest'
import { boundCredential } from '../../../operator/local/bound-credential.ts'
import { freePort } from '../../local/free-port.ts'
import { running } from './running.ts'
import { credential, domain, policy, yamlDirectory } from './yaml.ts'

test('a misspelt credential is answered with the near one, one that is not ready with how to see why, and an unknown one with local mode', async () => {
  const checkouts = [credential('checkout', 'shared'), credential('checkout2', 'none')]
  const objects = [policy('shared', await freePort()), domain(), ...checkouts]
  const local = running(yamlDirectory({ 'all.yaml': objects.join('---\n') }))
  await local.until('RelayCredential team-a/checkout', 'Ready', 'True')
  expect(() => boundCredential(local.state, 'team-a/chekout')).toThrow(/did you mean team-a\/checkout\?$/)
  // This credential exists, and has no binding for another reason.
  expect(() => boundCredential(local.state, 'team-a/checkout2')).toThrow('tells how the credential stands')
  expect(() => boundCredential(local.state, 'shop/app')).toThrow('is relayfleet local running with this folder?')
})
