/** One term of a leader: everything that writes is opened anew, and has ended when the term has. */

import type { Ref } from '../compile/snapshot.ts'
import type { Dirty } from '../dirty.ts'
import type { Ask } from '../dns/ask.ts'
import { systemServers } from '../dns/server.ts'
import { Verifier } from '../dns/verifier.ts'
import { KnownUses } from '../known-uses.ts'
import { recordsBefore } from '../records-saying.ts'
import { run, type Source } from '../run.ts'
import type { Api } from './api/api.ts'
import { openAuthority } from './authority/authority.ts'
import { Trust } from './authority/trust.ts'
import { openBindings } from './bindings/bindings.ts'
import { openGuides } from './bindings/guides.ts'
import { reachIn } from './bindings/key-reach.ts'
import { openDomainKeys } from './domain-keys/domain-keys.ts'
import type { Recorder } from './events/recorder.ts'
import { FleetNews } from './fleet-news.ts'
import { ordinaryTurns } from './fleets/fleet-turns.ts'
import { type Fleets, openFleets } from './fleets/fleets.ts'
import { LoadedConfigs } from './fleets/loaded-configs.ts'
import type { OperatorOptions } from './operator-options.ts'
import { openPublisher } from './publishing/publisher.ts'
import { clusterSink } from './sink.ts'
import { clusterSource } from './source.ts'
import { askRelay } from './statuses/ask-relay.ts'
import { openReporter } from './statuses/reporter.ts'
import { authorityOccasions, leftOccasion } from './statuses/status-occasions.ts'
import type { Part, Tell } from './telling.ts'
import { together } from './together.ts'
import { sightOf } from './watch/sight.ts'
import { openSightings } from './watch/sightings.ts'
import { IssuerWatch } from './watch/token-issuer.ts'
import type { World } from './watch/world.ts'

type Term = Pick<OperatorOptions, 'namespace' | 'watchNamespaces' | 'image' | 'imagePullPolicy' | 'tell' | 'timing'> & {
  readonly api: Api
  readonly world: World
  readonly recorder: Recorder
  readonly dirty: Dirty
  /** Each is called when something was heard that statuses may depend on; the term adds its own. */
  readonly wakers: Set<() => void>
  readonly mayWrite: () => boolean
  readonly ask: Ask
}

/**
 * How long its parts may take to end. It is less than `together` gives the part that runs the term, so that the name of the
 * part which hangs is told.
 */
const patienceMs = 12_000
/** Between one look at a binding Secret and the next; and at the keys of domains likewise. */
const pauseMs = 200
/** The one Secret in the namespace of the operator that is its own: the chart gives it the right to write this one. */
const authorityName = 'relayfleet-ca'

export async function runTerm(term: Term, signal: AbortSignal): Promise<void> {
  const {
    api,
    world,
    recorder,
    dirty,
    wakers,
    mayWrite,
    ask,
    namespace,
    image,
    imagePullPolicy,
    tell,
    timing = {},
  } = term
  const everyMs = timing.lookMs ?? ordinaryTurns.everyMs
  const record = recorder.record.bind(recorder)
  const made = (): void => {
    tell({ about: 'authority made' })
    for (const occasion of authorityOccasions(world.declared(), `Secret ${namespace}/${authorityName}`))
      record(occasion)
  }
  const authority = openAuthority({ api, namespace, name: authorityName, mayWrite, made })
  const trust = new Trust({ authority, changed: () => dirty.mark(), tell })
  const sightings = openSightings({
    sight: sightOf(api),
    dirty,
    tell: (object, why) => tell({ about: 'trouble', part: 'sighting', object, why }),
    everyMs,
  })
  const issuer = new IssuerWatch({
    api,
    changed: () => dirty.mark(),
    tell: (why) => tell({ about: 'trouble', part: 'issuer', why }),
    ...(timing.issuerMs !== undefined && { everyMs: timing.issuerMs }),
  })
  const cluster = { image, ...(imagePullPolicy !== undefined && { imagePullPolicy }), operatorNamespace: namespace }
  const took = (part: Part) => (ms: number) => tell({ about: 'done', part, ms })
  const verifier = new Verifier({
    ask,
    resolvers: systemServers,
    before: (name) => recordsBefore(world.declaredAs(`SenderDomain ${name}` as Ref)?.status ?? {}),
    changed: () => wake(),
    turned: () => dirty.mark(),
    ...(timing.verifyMs !== undefined && { everyMs: timing.verifyMs }),
  })
  const domainKeys = openDomainKeys({
    api,
    world,
    mayWrite,
    dirty,
    look: (name) => verifier.look(name),
    signers: () => fleets,
    turns: { everyMs, pauseMs },
    took: took('keys'),
    tell: (object, why) => tell({ about: 'trouble', part: 'keys', object, why }),
  })
  const loaded = new LoadedConfigs((fleet) => fleets.loadedAll(fleet))
  const fleets: Fleets = openFleets({
    api,
    world,
    authority: authority.current,
    pemOf: domainKeys.pem.bind(domainKeys),
    loaded,
    mayWrite,
    cluster,
    dirty,
    wake: () => wake(),
    turns: { ...ordinaryTurns, everyMs },
    ask: askRelay,
    gaveUp: (fleet, pod) => record(leftOccasion(fleet, pod, world.declaredAs(`RelayPolicy ${fleet}`)?.uid ?? '')),
    letGo: (fleet, mail) => tell({ about: 'policy let go', fleet, mail }),
    notLetGo: (object, why) => tell({ about: 'trouble', part: 'fleet', object, why }),
    took: took('fleet'),
  })
  const keyUses = new KnownUses((name) => world.declaredAs(`RelayCredential ${name}`)?.status)
  const bindings = openBindings({
    api,
    world,
    mayWrite,
    dirty,
    recorder: record,
    reach: reachIn(world),
    heard: (fleet, credential) => keyUses.heard(fleet, credential),
    turns: { everyMs, pauseMs },
    took: took('binding'),
    tell: (object, why) => tell({ about: 'trouble', part: 'binding', object, why }),
  })
  const guides = openGuides({
    api,
    world,
    mayWrite,
    dirty,
    everyMs,
    tell: (object, why) => tell({ about: 'trouble', part: 'binding', object, why }),
  })
  const troubles = () => new Map([...bindings.troubles(), ...guides.troubles()])
  const failed = (ref: Ref, error: unknown): void =>
    tell({ about: 'trouble', part: 'status', object: ref, why: String(error) })
  const publisher = openPublisher({
    api,
    namespaces: term.watchNamespaces,
    mayWrite,
    changed: () => wake(),
    tell: (object, why) => tell({ about: 'trouble', part: 'records', object, why }),
    ...(timing.publishMs !== undefined && { everyMs: timing.publishMs }),
  })
  const evidence = { fleets, bindings: { troubles }, keyUses, records: verifier, publisher, loaded }
  const reporter = openReporter({
    api,
    world,
    ...evidence,
    mayWrite,
    record,
    failed,
    took: took('status'),
    ...(timing.usageMs !== undefined && { usageMs: timing.usageMs }),
  })
  const news = new FleetNews({ world, fleets, tell })
  const wake = (): void => {
    reporter.wake()
    news.wake()
  }
  const source = clusterSource({ world, sightings, fleets, bindings, domainKeys, records: verifier, issuer, dirty })
  const hands = { bindings, guides, fleets, reporter, verifier, publisher }
  const sink = clusterSink({ ...hands, authority: () => trust.bundle, uids: source.uids })
  wakers.add(wake)
  try {
    await together(
      {
        'the loop': (ending) => run(timed(source, tell), sink, ending, took('compile')),
        'the authority': (ending) => trust.run(ending),
        'asking the issuer of tokens': (ending) => issuer.run(ending),
        'looking at Secrets': (ending) => sightings.run(ending),
        'looking at the keys of domains': (ending) => domainKeys.run(ending),
        'making fleets': (ending) => fleets.run(ending),
        'making bindings': (ending) => bindings.run(ending),
        'looking at records': (ending) => verifier.run(ending),
        'making ConfigMaps': (ending) => guides.run(ending),
        'publishing records': (ending) => publisher.run(ending),
        'writing statuses': (ending) => reporter.run(ending),
        'writing Events': (ending) => recorder.run(ending),
        'telling of fleets': (ending) => news.run(ending),
      },
      signal,
      patienceMs,
    )
  } finally {
    wakers.delete(wake)
  }
}

/** One turn is from the snapshot to the end of what was done for it. */
const timed = (source: Source, tell: Tell): Source => ({
  async *snapshots(signal) {
    for await (const snapshot of source.snapshots(signal)) {
      const begin = performance.now()
      tell({ about: 'turn begins' })
      try {
        yield snapshot
      } finally {
        tell({ about: 'done', part: 'turn', ms: performance.now() - begin })
      }
    }
  },
})
