/** What the operator tells while it runs; the command line decides how it looks and what it counts. */
import type { Name } from '../compile/snapshot.ts'
import type { QueryResult } from '../dns/ask.ts'
import type { Verb } from './api/counted.ts'
import type { Expiry } from './expiry-news.ts'
import type { KeyCounts } from './key-news.ts'
import type { ElectionNews } from './lead/election.ts'
import type { RecordOk } from './record-news.ts'
import type { RotationCounts } from './rotation-news.ts'
import type { ReflectorNews } from './watch/reflector.ts'
import type { LetGo } from './write/mail-finalizer.ts'

/** What the operator does over and over, and what may go wrong with it. */
export const parts = [
  'turn',
  'compile',
  'fleet',
  'binding',
  'status',
  'event',
  'sighting',
  'authority',
  'keys',
  'issuer',
  'records',
] as const
export type Part = (typeof parts)[number]

export type Telling =
  | { readonly about: 'lease'; readonly news: ElectionNews }
  | { readonly about: 'cache'; readonly news: ReflectorNews }
  /** Every list has been read for the first time. */
  | { readonly about: 'synced'; readonly ms: number }
  /** A snapshot is there, and becomes work. */
  | { readonly about: 'turn begins' }
  /** One part of it was done. */
  | { readonly about: 'done'; readonly part: Part; readonly ms: number }
  /** Fleets by the status of their condition Ready. */
  | {
      readonly about: 'fleets'
      readonly ready: Readonly<Record<string, number>>
      /** How many of them have a condition that is bad news while it is True. */
      readonly conditions: Readonly<Record<string, number>>
    }
  /** RelayCredentials by the reason of their condition RotationPending. */
  | { readonly about: 'rotations'; readonly pending: RotationCounts }
  /** When credentials and old passwords of them end; told when that has changed. */
  | { readonly about: 'expiries'; readonly expiries: readonly Expiry[] }
  /** There was no authority, so one was made: the first ever, or one that clients do not know yet. */
  | { readonly about: 'authority made' }
  | { readonly about: 'fleet written'; readonly fleet: Name; readonly hash: string }
  /** The finalizer was taken off a policy that was deleted; what had become of its mail. */
  | { readonly about: 'policy let go'; readonly fleet: Name; readonly mail: LetGo }
  /** What failed, and is tried again. */
  | { readonly about: 'trouble'; readonly part: Part; readonly why: string; readonly object?: string }
  /** One question to a DNS server, and what became of it. */
  | { readonly about: 'dns'; readonly result: QueryResult }
  /** Whether each domain's records are as they have to be, by purpose; told when that has changed. */
  | { readonly about: 'records'; readonly records: readonly RecordOk[] }
  /** DKIM keys by stage; told when that has changed. */
  | { readonly about: 'dkim keys'; readonly counts: KeyCounts }
  | { readonly about: 'call'; readonly verb: Verb; readonly code: number }

export type Tell = (telling: Telling) => void
