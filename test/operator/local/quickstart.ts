/** The smallest fleet for tests: a folder with one policy, one domain and one credential. */
import { credential, domain, freePort, policy, yamlDirectory } from './yaml.ts'

export const shared = 'RelayPolicy mail/shared'
export const web = 'RelayCredential team-a/web'

export async function quickstart() {
  const port = await freePort()
  const directory = yamlDirectory({
    'policy.yaml': policy('shared', port),
    'domain.yaml': domain(),
    'credential.yaml': credential('web', 'shared'),
  })
  return { directory, port }
}
