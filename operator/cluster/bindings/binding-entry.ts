/** What is known of the binding Secret of one credential, and what it should be; only in memory, and without its password. */
import { isDeepStrictEqual } from 'node:util'
import type { Condition } from '../../compile/compiled.ts'
import type { BindingKeys, Ref } from '../../compile/snapshot.ts'
import type { DeclaredObject } from '../watch/declared.ts'
import type { Owed } from './binding-object.ts'
import { recordedKeys } from './recorded-keys.ts'

export type Entry = {
  readonly ref: Ref
  readonly uid: string
  /** What the credential is owed; undefined while it is held, and nothing is touched. */
  owed: Owed | undefined
  /** Names what is wanted now, for the lane: it changes with each new `owed`. */
  key: string
  /** The name that is owed now. */
  secretName: string
  /** What the Secret is known to be: the same object as `owed` when nothing is left to do. */
  settled: Owed | undefined
  /** It is to be looked at even though it is settled. */
  isDue: boolean
  /** Whether anybody looked under the name that is owed now. */
  wasSeen: boolean
  /** The keys in the status, as this process first saw it. */
  readonly recorded: BindingKeys | undefined
  /** The keys that were found or made since, which are newer. */
  keys: BindingKeys | undefined
  trouble: Condition | undefined
  /** A key that was made and is in no Secret yet; its password is nowhere else. */
  made: { readonly id: string; readonly password: string } | undefined
  /** When its keys are to be looked at again; milliseconds since the epoch. */
  at: number
  /** The names that the Secret had before; the oldest first. */
  formerNames: readonly string[]
}

/**
 * The entry of a credential by its status: where that records keys under the name that is owed, the Secret is taken to be
 * there.
 */
export function entryOf({ ref, uid, status }: Pick<DeclaredObject, 'ref' | 'uid' | 'status'>, owed: Owed): Entry {
  const recorded = recordedKeys(status)
  const { name } = (status['binding'] ?? {}) as { readonly name?: unknown }
  const isRecorded = recorded !== undefined && name === owed.binding.secretName
  return {
    ref,
    uid,
    owed,
    key: '',
    secretName: owed.binding.secretName,
    settled: isRecorded ? owed : undefined,
    isDue: false,
    wasSeen: isRecorded,
    recorded,
    keys: undefined,
    trouble: undefined,
    made: undefined,
    at: 0,
    formerNames: typeof name === 'string' && name !== owed.binding.secretName ? [name] : none,
  }
}

/** Ten thousand entries share it. */
const none: readonly string[] = []

/** Takes note of what is owed now; returns whether that is new. */
export function owe(entry: Entry, fresh: Owed): boolean {
  const same = [entry.settled, entry.owed].find((o) => o !== undefined && isSame(o, fresh))
  entry.owed = same ?? fresh
  // The same object from now on, so that the next comparison costs nothing.
  if (same !== undefined && same === entry.settled) entry.settled = entry.owed = fresh
  rename(entry, fresh.binding.secretName)
  return same === undefined
}

function rename(entry: Entry, secretName: string): void {
  if (entry.secretName === secretName) return
  entry.formerNames = [...new Set([...entry.formerNames, entry.secretName])].filter((name) => name !== secretName)
  entry.secretName = secretName
  entry.wasSeen = false
}

const isSame = (a: Owed, b: Owed): boolean =>
  a.authority === b.authority && (a.binding === b.binding || isDeepStrictEqual(a.binding, b.binding))

export const knownKeys = ({ keys, recorded }: Entry): BindingKeys | undefined => keys ?? recorded

/** Whether nothing suggests that there is a Secret under the name that is owed now. */
export const expectsNone = (entry: Entry): boolean =>
  !entry.wasSeen && (knownKeys(entry) === undefined || entry.formerNames.length > 0)
