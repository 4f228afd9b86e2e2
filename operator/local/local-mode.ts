/** Local mode: the fleets of a YAML directory run on this machine, until the signal ends. */
import { Dirty } from '../dirty.ts'
import { run } from '../run.ts'
import { lockState } from './lock.ts'
import { processSink } from './sink.ts'
import { yamlSource } from './source.ts'
import { stateAt } from './state.ts'
import type { Tell } from './telling.ts'

/** Resolves when every relay has ended. @throws Error that tells a person what to do. */
export async function runLocal(options: {
  readonly directory: string
  readonly state: string
  readonly tell: Tell
  readonly signal: AbortSignal
}): Promise<void> {
  const { directory, tell, signal } = options
  const state = stateAt(options.state)
  const unlock = lockState(state.lockFile)
  const dirty = new Dirty()
  // Whoever waits for relays to report is waiting in vain from then on.
  signal.addEventListener('abort', () => dirty.mark(), { once: true })
  const source = yamlSource({ directory, state, dirty, tell })
  const sink = processSink({ state, dirty, tell, directory: () => source.directory })
  try {
    await run(source, sink, signal)
  } finally {
    await sink.close()
    unlock()
  }
}
