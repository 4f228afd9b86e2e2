/** What a YAML document can declare: an object of our kinds, valid or not, or one that they refer to. */
import type { Credential, Domain, Invalid, Keyed, Name, Policy } from '../compile/snapshot.ts'

/** The values of a Secret are only here, for the code that writes files; compile sees only the keys. */
export type Declared =
  | { readonly declares: 'resource'; readonly resource: Policy | Domain | Credential }
  | { readonly declares: 'invalid'; readonly invalid: Invalid }
  | { readonly declares: 'namespace'; readonly name: string; readonly labels: Readonly<Record<string, string>> }
  | {
      readonly declares: 'keyed'
      readonly kind: 'Secret' | 'ConfigMap'
      readonly name: Name
      readonly keyed: Keyed
      readonly values: ReadonlyMap<string, Uint8Array>
    }
