/** What a credential logs in by, as its relays know it. */
import type { CredentialConfig } from '../config.ts'

type Proof = Pick<CredentialConfig, 'keys' | 'serviceAccounts' | 'certificate'>

/** It logs in by a password: the operator makes the keys, and they come and go. */
export const hasKeys = ({ serviceAccounts, certificate }: Proof): boolean =>
  serviceAccounts === undefined && certificate === undefined

/** Whether its relays can judge a login at all: who logs in by a password needs one, and nobody else does. */
export const canLogIn = (proof: Proof): boolean => proof.keys.length > 0 || !hasKeys(proof)
