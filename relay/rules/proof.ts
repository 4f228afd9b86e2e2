/** By what a credential logs in: keys (passwords), tokens of service accounts, or a client certificate. */
import type { CredentialConfig } from '../config.ts'

export type ProofConfig = Pick<CredentialConfig, 'keys' | 'serviceAccounts' | 'certificate'>

/** Whether it logs in by a password: the operator makes the keys for it, and they come and go. */
export const hasKeys = ({ serviceAccounts, certificate }: ProofConfig): boolean =>
  serviceAccounts === undefined && certificate === undefined

/** Whether anybody can log in by it: a credential that logs in by passwords needs a key. */
export const canLogIn = (proof: ProofConfig): boolean => proof.keys.length > 0 || !hasKeys(proof)
