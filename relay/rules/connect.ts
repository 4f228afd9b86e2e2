/** May this client connect at all? */
import type { RelayConfig } from '../config.ts'
import { type Refusal, refusal } from '../mail/rule.ts'

/** `client` is the peer's IP address. Networks narrow who may log in; they never replace the login. */
export function judgeConnect(config: RelayConfig, client: string): Refusal | undefined {
  if (config.suspended) return refusal('suspended')
  return client === '' ? refusal('admission.networks') : undefined
}
