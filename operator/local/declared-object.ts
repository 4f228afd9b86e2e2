/** What a YAML document can declare: one of our kinds, good or not, or an object that they lean on. */
import type { Credential, Domain, Invalid, Keyed, Name, Policy } from '../compile/snapshot.ts'

/** What one document declares. A Secret's values stay here, with who reads the directory; compile sees the keys. */
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
