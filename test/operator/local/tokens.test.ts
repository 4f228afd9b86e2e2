/** Local mode has no service accounts, so a credential that asks for tokens is told so, and does not hold up the others. */
import { expect, test } from 'vitest'
import { freePort } from '../../local/free-port.ts'
import { running } from './running.ts'
import { credential, domain, policy, yamlDirectory } from './yaml.ts'

test('a credential that asks for tokens gets the reason NoTokenIssuer and can send no test message, while another one can', async () => {
  const local = running(
    yamlDirectory({
      'policy.yaml': policy('shared', await freePort()),
      'domain.yaml': domain(),
      'web.yaml': credential('web', 'shared'),
      'pod.yaml': credential('pod', 'shared', { type: 'ServiceAccountToken', serviceAccounts: [{ name: 'pod' }] }),
    }),
  )
  await local.until('RelayCredential team-a/web', 'Ready', 'True')
  await local.until('RelayCredential team-a/pod', 'Ready', 'False NoTokenIssuer')
  await expect(local.submit('team-a/pod', 'app@example.org')).rejects.toThrow('such tokens exist only in a cluster')
  expect(await local.submit('team-a/web', 'app@example.org')).toMatchObject({ kind: 'accepted' })
})
