/** What every stage is given, and what a stage decides. */
import type { RelayConfig } from '../config.ts'
import type { Events } from '../events.ts'
import type { Headroom } from '../headroom.ts'
import type { KeyUses } from '../keys/key-uses.ts'
import type { FleetAllowances } from '../limits/fleet-allowances.ts'
import type { Keyring } from '../mail/keyring.ts'
import type { Refusal } from '../mail/rule.ts'
import type { CredentialIndex } from '../rules/login.ts'
import type { Spool } from '../spool/spool.ts'
import type { Turns } from '../turns.ts'
import type { Acquaintances } from './acquaintances.ts'
import type { Held } from './held.ts'
import type { Lockout } from './lockout.ts'
import type { Presence } from './presence.ts'

export type InForce = {
  readonly config: RelayConfig
  readonly index: CredentialIndex
  /** Only to tell whether they can sign: that is delivery's. */
  readonly keyring: Keyring
  /** Another one for each configuration. */
  readonly revision: number
}

export type Inbound = {
  readonly spool: Spool
  readonly events: Events
  readonly allowances: Pick<FleetAllowances, 'peek' | 'room' | 'take' | 'giveBack' | 'written'>
  readonly keyUses: KeyUses
  readonly lockout: Lockout
  readonly presence: Presence
  readonly held: Held
  readonly acquaintances: Acquaintances
  readonly turns: Turns
  readonly headroom: Pick<Headroom, 'enter'>
  /** Beyond this many sessions of all clients, new ones are sent away. */
  readonly maxSessions: number
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /** Does not jump when the clock is set; lockouts go by it. */
  readonly monotonic: () => number
  /** Nobody new is taken. */
  readonly isShut: () => boolean
  /** Read at each stage: an edit is in force for the next command of every open session. */
  readonly inForce: () => InForce
}

/** `audited` is what rules in Audit would have refused, whatever became of the command. */
export type Decision<T> =
  | { readonly kind: 'accepted'; readonly value: T; readonly audited: readonly Refusal[] }
  | { readonly kind: 'refused'; readonly refusal: Refusal; readonly audited: readonly Refusal[] }

export const refuse = (refusal: Refusal, audited: readonly Refusal[] = []): Decision<never> => ({
  kind: 'refused',
  refusal,
  audited,
})
