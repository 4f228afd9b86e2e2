/** The facts that decisions about a submission are tested with. */
import type { CredentialConfig, RelayConfig } from '../../../relay/config.ts'
import type { SubmissionFacts } from '../../../relay/rules/mail-from.ts'
import { credential, policy } from '../policy.ts'

export const facts = (config: Partial<RelayConfig> = {}, own: Partial<CredentialConfig> = {}): SubmissionFacts => ({
  config: policy(config),
  credential: credential(own),
})
