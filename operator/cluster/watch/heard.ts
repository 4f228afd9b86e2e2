/** How far the writer of an object had heard of the world: who has heard less writes nothing over it. Pure. */
import { isOlder } from '../api/resource-version.ts'
import type { Heard } from './world.ts'

export const heardAnnotation = 'relayfleet.dev/heard'

export const printHeard = (heard: Heard): string =>
  JSON.stringify(Object.fromEntries(Object.entries(heard).toSorted(([a], [b]) => (a < b ? -1 : 1))))

/** Whether somebody wrote `written` who had heard more of any kind than `ours`; what can not be read says nothing. */
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
