/** What an operator is told when it begins: where it is, what it looks after, and how often it looks. */
import type { PullPolicy } from '../manifests/relay-fleet.ts'
import type { Limits } from './api/api.ts'
import type { Connection } from './api/connection.ts'
import type { Terms } from './lead/lease-record.ts'
import type { Tell } from './telling.ts'
import type { WorldOptions } from './watch/world.ts'

export type OperatorOptions = {
  readonly connection: Connection
  /** Where the operator is: its Lease and its certificate authority. */
  readonly namespace: string
  /** Empty: all. */
  readonly watchNamespaces: readonly string[]
  /** Of the relays. */
  readonly image: string
  readonly imagePullPolicy?: PullPolicy
  /** Unlike that of any other operator, dead or alive. */
  readonly identity: string
  readonly tell: Tell
  /** Questions to DNS in a second, for all domains together. */
  readonly dnsPerSecond?: number
  readonly terms?: Terms
  readonly limits?: Partial<Limits>
  /** For whoever can not wait for what is done every half a minute, or less often. */
  readonly timing?: {
    readonly watching?: WorldOptions['timing']
    /** How often each Secret is looked at. */
    readonly lookMs?: number
    /** How often a domain's records, whatever it declares. */
    readonly verifyMs?: number
    /** How often the issuer of tokens is asked. */
    readonly issuerMs?: number
    /** How often relays, what their credentials have used. */
    readonly usageMs?: number
    /** How often what is published. */
    readonly publishMs?: number
  }
}
