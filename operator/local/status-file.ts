/** Reads and writes status.yaml: the status of every object, as `kubectl get -o yaml` would show it. */
import { parse, stringify } from 'yaml'
import type { Ref } from '../compile/snapshot.ts'
import type { StampedStatus } from '../observed-status.ts'
import { keptText, replaceFile } from './files.ts'
import type { Statuses } from './observed-statuses.ts'

const heading = '# Written by relayfleet local; editing it changes nothing.\n'

/**
 * The statuses that were written last; empty where the file does not exist, or is none of ours. @throws Unread: the stages of keys
 * that sign are nowhere else.
 */
export function readStatuses(file: string): Statuses {
  const text = keptText(file) ?? ''
  try {
    const read = (parse(text) ?? {}) as Record<Ref, StampedStatus>
    return new Map(Object.entries(read).filter(([, s]) => Array.isArray(s.conditions)) as [Ref, StampedStatus][])
  } catch {
    return new Map()
  }
}

export const writeStatuses = (file: string, statuses: Statuses): void => {
  replaceFile(file, `${heading}${stringify(Object.fromEntries(statuses), { lineWidth: 0 })}`, 'derived')
}
