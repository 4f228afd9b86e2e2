/** The smallest fleet for tests: a folder with one policy, one domain and one credential. */
import { freePort } from '../../local/free-port.ts'
import { credential, domain, policy, yamlDirectory } from './yaml.ts'

export const shared = 'RelayPolicy mail/shared'
export const web = 'RelayCredential team-a/web'

export async function quickstart(ofCredential: object = {}) {
  const port = await freePort()
  const directory = yamlDirectory({
    'policy.yaml': policy('shared', port),
    'domain.yaml': domain(),
    'credential.yaml': credential('web', 'shared', ofCredential),
  })
  return { directory, port }
}
