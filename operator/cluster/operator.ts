/** The operator: watches always, and makes the cluster as it is declared while it holds the Lease. */
import { Dirty } from '../dirty.ts'
import { openAsking } from '../dns/ask.ts'
import { type Limits, openApi } from './api/api.ts'
import { counted, type Verb } from './api/counted.ts'
import { rest } from './api/rest.ts'
import { Recorder } from './events/recorder.ts'
import { Election } from './lead/election.ts'
import type { OperatorOptions } from './operator-options.ts'
import type { Tell } from './telling.ts'
import { runTerm } from './term.ts'
import { ended, together } from './together.ts'
import { openWorld, type World } from './watch/world.ts'

const leaseName = 'relayfleet'
/** Questions to DNS in a second: enough for ten thousand domains in an hour, and too few for name servers to notice. */
export const ordinaryDnsPerSecond = 100
/** This only bounds an operator that runs wild; what protects the API server is its own API Priority and Fairness. */
const ordinary: Partial<Limits> = { rate: { perSecond: 200, burst: 400 } }
/** How often to check whether the lists that failed at first have been read at last. */
const lookMs = 500

/** Resolves after the signal, when nothing is written any more. @throws Error where a part of it fails unexpectedly. */
export async function runOperator(options: OperatorOptions, signal: AbortSignal): Promise<void> {
  const { connection, namespace, watchNamespaces, identity, tell, terms, limits = ordinary, timing = {} } = options
  const ask = openAsking({
    perSecond: options.dnsPerSecond ?? ordinaryDnsPerSecond,
    tell: (result) => tell({ about: 'dns', result }),
  })
  const count = (verb: Verb, code: number): void => tell({ about: 'call', verb, code })
  const api = counted(openApi(connection, limits), count)
  const [dirty, leadership] = [new Dirty(), new Dirty()]
  const wakers = new Set<() => void>()
  const world = openWorld({
    api,
    namespaces: watchNamespaces,
    dirty,
    wake: () => {
      for (const wake of wakers) wake()
    },
    tell: (news) => tell({ about: 'cache', news }),
    ...(timing.watching !== undefined && { timing: timing.watching }),
  })
  const election = new Election({
    api: counted(openApi(connection), count),
    namespace,
    name: leaseName,
    identity,
    changed: () => leadership.mark(),
    tell: (news) => tell({ about: 'lease', news }),
    ...(terms !== undefined && { terms }),
  })
  const lost = (object: string, why: string): void => tell({ about: 'trouble', part: 'event', object, why })
  const recorder = new Recorder({ api, reporter: identity, lost })

  async function rule(ending: AbortSignal): Promise<void> {
    await Promise.race([world.synced, ended(ending)])
    const holding = new AbortController()
    const held = election.run(holding.signal)
    try {
      while (!ending.aborted) {
        const term = AbortSignal.any([ending, election.term])
        const mayWrite = (): boolean => !term.aborted && election.writable()
        if (!term.aborted) await runTerm({ ...options, api, world, recorder, dirty, wakers, mayWrite, ask }, term)
        await leadership.next(ending)
      }
    } finally {
      // The Lease is given back only after the last write.
      holding.abort()
      await held
    }
  }
  await together(
    {
      'watching the cluster': (ending) => world.run(ending),
      'telling that all is listed': (ending) => tellSynced(world, tell, ending),
      leading: rule,
    },
    signal,
  )
}

async function tellSynced(world: Pick<World, 'synced' | 'unread'>, tell: Tell, ending: AbortSignal): Promise<void> {
  const begin = performance.now()
  await Promise.race([world.synced, ended(ending)])
  while (world.unread().length > 0 && !ending.aborted) {
    await rest(lookMs, ending)
  }
  if (!ending.aborted) tell({ about: 'synced', ms: performance.now() - begin })
  await ended(ending)
}
