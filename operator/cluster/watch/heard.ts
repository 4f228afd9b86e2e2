/**
 * An annotation says how far the writer of an object had heard of the cluster; an operator that has heard less does not write
 * over it. Pure.
 */
import { isOlder } from '../api/resource-version.ts'
import type { Heard } from './world.ts'

export const heardAnnotation = 'relayfleet.dev/heard'

export const printHeard = (heard: Heard): string =>
  JSON.stringify(Object.fromEntries(Object.entries(heard).toSorted(([a], [b]) => (a < b ? -1 : 1))))

/**
 * Whether the writer of the annotation `written` had heard more of any kind than `ours`; one that can not be read says
 * nothing.
 */
export function heardMore(written: string | undefined, ours: Heard): boolean {
  return Object.entries(parsed(written)).some(
    ([kind, version]) => typeof version === 'string' && isOlder(ours[kind] ?? '', version),
  )
}

function parsed(text: string | undefined): object {
  try {
    return Object(JSON.parse(text ?? '{}'))
  } catch {
    return {}
  }
}
