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
  /** Empty: all namespaces. */
  readonly watchNamespaces: readonly string[]
  /** The image of the relays. */
  readonly image: string
  readonly imagePullPolicy?: PullPolicy
  /** No other operator has this name, or ever had it: the Lease tells its holder by it. */
  readonly identity: string
  readonly tell: Tell
  /** Questions to DNS in a second, for all domains together. */
  readonly dnsPerSecond?: number
  readonly terms?: Terms
  readonly limits?: Partial<Limits>
  /** Other intervals than the ordinary ones, for tests, which can not wait half a minute and more. */
  readonly timing?: {
    readonly watching?: WorldOptions['timing']
    /** How often each Secret is looked at. */
    readonly lookMs?: number
    /** How often the records of a domain are looked at, whatever the SenderDomain asks for. */
    readonly verifyMs?: number
    /** How often the issuer of tokens is asked. */
    readonly issuerMs?: number
    /** How often relays are asked what their credentials have used. */
    readonly usageMs?: number
    /** How often to check that what was published is still there. */
    readonly publishMs?: number
  }
}
