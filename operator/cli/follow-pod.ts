/** Follows a message in the log of the pod that accepted it, and shows every hop. */
import { ApiError, isForbidden } from '../cluster/api/api-error.ts'
import { podLog } from '../cluster/person/pod-log.ts'
import type { SeenPod } from '../cluster/person/seen-pods.ts'
import { type Fate, fateOf } from '../local/fate.ts'
import { missingRight } from './api-trouble.ts'
import type { Cluster } from './cluster-options.ts'
import { hopLine } from './hop-line.ts'
import type { Terminal } from './terminal.ts'

type Follow = (queueId: string, signal: AbortSignal) => Promise<Fate>

/** Never throws: if the log ends or may not be read, the result is what is known so far. */
export const followerOf =
  ({ wire }: Pick<Cluster, 'wire'>, pod: SeenPod, terminal: Terminal): Follow =>
  async (queueId, signal) => {
    const about: string[] = []
    const reading = new AbortController()
    try {
      for await (const line of podLog(wire, pod, AbortSignal.any([signal, reading.signal]))) {
        if (!line.includes(queueId)) continue
        about.push(line)
        tellHop(line, terminal)
        if (fateOf(queueId, about).kind !== 'unknown') break
      }
    } catch (error) {
      if (error instanceof ApiError && isForbidden(error)) terminal.out(terminal.style('dim', missingRight(error)))
    } finally {
      reading.abort()
    }
    return fateOf(queueId, about, true)
  }

function tellHop(line: string, terminal: Terminal): void {
  const hop = hopLine(line)
  if (hop !== undefined) terminal.out(`${terminal.style('dim', 'hop   ')}  ${hop}`)
}
