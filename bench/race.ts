/** One run of one contender: what its clients got acknowledged, and what came out at the sink, per second. */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { until } from '../test/local/until.ts'
import type { Lane, Run } from './lane.ts'
import type { LoadOrder, LoadResult } from './load-process.ts'

const deliveryDeadlineMs = 120_000
/** A server that does not answer any more ends the run, not the bench. */
const loadDeadlineMs = 300_000

/** @throws Error when a single message was not acknowledged, or did not arrive. */
export async function race(
  { contender, sink }: Pick<Lane, 'contender' | 'sink'>,
  order: Omit<LoadOrder, 'access'>,
): Promise<Run> {
  const before = sink.delivered()
  const { began, seconds, cpuSeconds, acknowledged, others } = await loadOnce({
    ...order,
    access: { ...contender.access, lightHandshake: true },
  })
  if (acknowledged === 0 || others.length > 0) {
    const why = others.slice(0, 3).join('; ')
    throw new Error(`${contender.name} acknowledged ${acknowledged}, and not ${others.length} others: ${why}`)
  }
  const all = () => sink.delivered() - before >= acknowledged
  await until(`${contender.name} delivers ${acknowledged} messages`, all, deliveryDeadlineMs)
  return {
    loadCores: cpuSeconds / seconds,
    acceptedPerSecond: acknowledged / seconds,
    deliveredPerSecond: acknowledged / ((Date.now() - began) / 1000),
  }
}

/** One for all runs, so that everybody meets it compiled; where it failed, the next run gets a new one. */
let kept: ChildProcess | undefined

export async function loadOnce(order: LoadOrder): Promise<LoadResult> {
  kept ??= fork(join(import.meta.dirname, 'load-process.ts'), { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
  const child = kept
  child.ref()
  child.channel?.ref()
  const ended = new AbortController()
  const deadline = setTimeout(() => child.kill('SIGKILL'), loadDeadlineMs)
  try {
    child.send(order)
    const [result] = await Promise.race([
      once(child, 'message', ended),
      once(child, 'exit', ended).then(() => Promise.reject(new Error('the load process failed'))),
    ])
    return result as LoadResult
  } catch (error) {
    kept = undefined
    throw error
  } finally {
    ended.abort()
    clearTimeout(deadline)
    // It ends with this process, which it does not hold up.
    child.unref()
    child.channel?.unref()
  }
}
