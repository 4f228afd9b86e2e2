/** Local mode: runs the fleets of a YAML directory on this machine, until the signal aborts. */
import { FolderWatch } from '../../relay/folder-watch.ts'
import type { Ref } from '../compile/snapshot.ts'
import { Dirty } from '../dirty.ts'
import { openAsking } from '../dns/ask.ts'
import { systemServers } from '../dns/server.ts'
import { Verifier } from '../dns/verifier.ts'
import { recordsBefore } from '../records-saying.ts'
import { run } from '../run.ts'
import { lockState } from './lock.ts'
import { processSink } from './sink.ts'
import { yamlSource } from './source.ts'
import { stateAt } from './state.ts'
import { readStatuses } from './status-file.ts'
import type { Tell } from './telling.ts'

/** A low rate of DNS questions, fit for a person's own machine. */
const dnsPerSecond = 20

/** Resolves when every relay has ended. @throws Error that tells a person what to do. */
export async function runLocal(options: {
  readonly directory: string
  readonly state: string
  readonly tell: Tell
  readonly signal: AbortSignal
}): Promise<void> {
  const { directory, tell, signal } = options
  const state = stateAt(options.state)
  const lock = lockState(state.lockFile)
  const ended = new AbortController()
  const ending = AbortSignal.any([signal, ended.signal])
  const dirty = new Dirty()
  // Wakes up a report that is waiting for relays, which would otherwise delay our end.
  ending.addEventListener('abort', () => dirty.mark(), { once: true })
  const said = readStatuses(state.statusFile)
  const verifier = new Verifier({
    ask: openAsking({ perSecond: dnsPerSecond }),
    resolvers: systemServers,
    before: (name) => recordsBefore(said.get(`SenderDomain ${name}` as Ref) ?? {}),
    // After a look, a key may be ready to sign, so another snapshot is taken.
    changed: () => dirty.mark(),
    turned: () => dirty.mark(),
  })
  const source = yamlSource({ directory, state, dirty, tell, look: (domain) => verifier.look(domain) })
  const sink = processSink({ state, dirty, tell, verifier, directory: () => source.directory })
  const looking = verifier.run(ending)
  const watch = new FolderWatch(() => {
    const loss = lock.loss()
    if (loss !== undefined) ended.abort(loss)
  })
  watch.watch([state.root])
  try {
    await run(source, sink, ending)
    ended.signal.throwIfAborted()
  } finally {
    // After an error, too, the verifier has to end.
    ended.abort()
    watch.close()
    await sink.close()
    await looking
    lock.release()
  }
}
