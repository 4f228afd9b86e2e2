/** What every stage of a session is given (`Inbound`), and what a stage answers (`Decision`). */
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
import type { Settling } from './settling.ts'

export type InForce = {
  readonly config: RelayConfig
  readonly index: CredentialIndex
  /** Asked here only whether a domain's keys can sign; delivery does the signing. */
  readonly keyring: Keyring
  /** Grows by one with each configuration, so that a judgement can be told to be of an older one. */
  readonly revision: number
}

export type Inbound = {
  readonly spool: Pick<Spool, 'receive' | 'claimed' | 'fault' | 'isFull'>
  readonly events: Events
  readonly allowances: Pick<FleetAllowances, 'peek' | 'room' | 'take' | 'dayOf' | 'giveBack' | 'written'>
  readonly keyUses: KeyUses
  readonly lockout: Lockout
  readonly presence: Presence
  readonly held: Held
  readonly settling: Settling
  readonly acquaintances: Acquaintances
  readonly turns: Turns
  readonly headroom: Pick<Headroom, 'enter'>
  /** With this many sessions open, over all clients and listeners, new ones are sent away (421). */
  readonly maxSessions: number
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /** Milliseconds of a clock that does not jump when the system's clock is set; lockouts are measured by it. */
  readonly monotonic: () => number
  /** The relay is to leave: new clients are sent away. */
  readonly isShut: () => boolean
  /** To be read anew at each stage: an edit counts from the next command of every open session on. */
  readonly inForce: () => InForce
}

/** `audited`: what rules in Audit would have refused, whether or not the command was accepted in the end. */
export type Decision<T> =
  | { readonly kind: 'accepted'; readonly value: T; readonly audited: readonly Refusal[] }
  | { readonly kind: 'refused'; readonly refusal: Refusal; readonly audited: readonly Refusal[] }

export const refuse = (refusal: Refusal, audited: readonly Refusal[] = []): Decision<never> => ({
  kind: 'refused',
  refusal,
  audited,
})
