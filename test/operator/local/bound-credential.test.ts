import { expect, test } from 'vitest'
import { boundCredential } from '../../../operator/local/bound-credential.ts'
import { running } from './running.ts'
import { credential, domain, freePort, policy, yamlDirectory } from './yaml.ts'

test('a credential that is misspelt is told with the one that is near, and nobody is sent after local mode', async () => {
  const checkouts = [credential('checkout', 'shared'), credential('checkout2', 'none')]
  const objects = [policy('shared', await freePort()), domain(), ...checkouts]
  const local = running(yamlDirectory({ 'all.yaml': objects.join('---\n') }))
  await local.until('RelayCredential team-a/checkout', 'Ready', 'True')
  expect(() => boundCredential(local.state, 'team-a/chekout')).toThrow(/did you mean team-a\/checkout\?$/)
  // It is there, and something else is the matter with it.
  expect(() => boundCredential(local.state, 'team-a/checkout2')).toThrow('tells how the credential stands')
  expect(() => boundCredential(local.state, 'shop/app')).toThrow('is relayfleet local running with this folder?')
})
