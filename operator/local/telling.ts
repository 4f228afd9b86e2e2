/** What local mode reports to a person while it runs; the command line decides how it is shown. */
import type { Condition } from '../compile/compiled.ts'
import type { Name, Ref } from '../compile/snapshot.ts'
import type { StampedStatus } from '../observed-status.ts'
import type { LocatedProblem } from './objects.ts'
import type { Statuses } from './observed-statuses.ts'
import type { RelayLine } from './relay-line.ts'

export type Telling =
  /** The state of an object has changed. */
  | { readonly about: 'object'; readonly ref: Ref; readonly ready: Condition['status']; readonly text: string }
  | { readonly about: 'gone'; readonly ref: Ref }
  | { readonly about: 'relay'; readonly policy: Name; readonly line: RelayLine }
  | { readonly about: 'text'; readonly problem: LocatedProblem }
  /** Something failed on this machine, and is tried again. */
  | { readonly about: 'trouble'; readonly text: string }

export type Tell = (telling: Telling) => void

/** Reports the state of each object once, and again whenever it has changed. */
export function tellChanges(tell: Tell): (statuses: Statuses) => void {
  const told = new Map<Ref, string>()
  return (statuses) => {
    for (const [ref, status] of statuses) {
      const telling = tellingOf(ref, status)
      if (telling === undefined || told.get(ref) === telling.text) continue
      told.set(ref, telling.text)
      tell(telling)
    }
    for (const ref of [...told.keys()].filter((r) => !statuses.has(r))) {
      told.delete(ref)
      tell({ about: 'gone', ref })
    }
  }
}

function tellingOf(ref: Ref, { conditions }: StampedStatus): Extract<Telling, { about: 'object' }> | undefined {
  const condition = (type: string) => conditions.find((c) => c.type === type)
  const [ready, degraded, reset] = [condition('Ready'), condition('Degraded'), condition('SpoolReset')]
  // A pending object will have a real verdict in a moment, so it is not reported yet.
  if (ready === undefined || ready.reason === 'Pending') return undefined
  const news = ready.status === 'True' ? (condition('Programmed') ?? ready) : ready
  const lost = reset?.status === 'True' ? `; ${reset.message}` : ''
  const worse = degraded?.status === 'True' ? `; degraded: ${degraded.message}` : ''
  const reason = ready.status === 'True' ? '' : `${news.reason}: `
  return { about: 'object', ref, ready: ready.status, text: `${reason}${news.message}${lost}${worse}` }
}
