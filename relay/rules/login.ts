/** Is this the credential it says it is, and may it be used now and from here? */
import type { CredentialConfig, RelayConfig } from '../config.ts'
import { type Refusal, refusal } from '../mail/rule.ts'

export type AuthFailure = 'unknown' | 'password' | 'suspended' | 'expired' | 'network' | 'lockedOut' | 'plaintext'

export type LoginAttempt = {
  readonly username: string
  /** `verifierOf(password)`: the password itself does not come here. */
  readonly verifier: string
  readonly client: string
  /** Milliseconds since the epoch. */
  readonly now: number
}

export type Login =
  | { readonly kind: 'accepted'; readonly credential: CredentialConfig; readonly key: string }
  | { readonly kind: 'refused'; readonly reason: AuthFailure; readonly refusal: Refusal }

export type CredentialIndex = { readonly byUsername: ReadonlyMap<string, CredentialConfig> }

/** Made once for each configuration. */
export const indexCredentials = (config: RelayConfig): CredentialIndex => ({
  byUsername: new Map(config.credentials.map((c) => [c.username, c])),
})

/** Whether a credential is suspended, expired or elsewhere is told only to who knows its password. */
export function judgeLogin(index: CredentialIndex, attempt: LoginAttempt): Login {
  const credential = index.byUsername.get(attempt.username)
  if (!credential) return { kind: 'refused', reason: 'unknown', refusal: refusal('always.password') }
  const key = credential.keys.find((k) => k.verifier === attempt.verifier)
  if (!key) return { kind: 'refused', reason: 'password', refusal: refusal('always.password') }
  return { kind: 'accepted', credential, key: key.id }
}
