/** Turns every fact that the operator reports into a line of JSON, a metric, or both. */
import type { Pulse } from '../cluster/pulse.ts'
import type { Tell, Telling } from '../cluster/telling.ts'
import type { Metrics } from '../metrics.ts'
import type { Terminal } from './terminal.ts'

/** The same numbers as in the relays' log lines (pino's). */
const levels = { info: 30, warn: 40, error: 50 } as const

export type Log = (level: keyof typeof levels, message: string, facts: Readonly<Record<string, unknown>>) => void

export const logOn =
  (terminal: Pick<Terminal, 'out'>): Log =>
  (level, message, facts) =>
    terminal.out(JSON.stringify({ level: levels[level], time: new Date().toISOString(), ...facts, msg: message }))

type Listeners = { readonly log: Log; readonly metrics: Metrics; readonly pulse: Pulse }

export const telledTo =
  ({ log, metrics, pulse }: Listeners): Tell =>
  (telling) => {
    pulse.note(telling, performance.now())
    count(telling, metrics)
    logged(telling, log)
  }

function each(counts: Readonly<Record<string, number>>, set: (name: string, number: number) => void): void {
  for (const [name, number] of Object.entries(counts)) set(name, number)
}

function count(telling: Telling, metrics: Metrics): void {
  switch (telling.about) {
    case 'call':
      metrics.apiRequests.inc({ verb: telling.verb, code: telling.code })
      return
    case 'done':
      metrics.reconcileDuration.observe({ part: telling.part }, telling.ms / 1000)
      return
    case 'trouble':
      metrics.reconcileErrors.inc({ part: telling.part })
      return
    case 'lease':
      countLease(telling.news, metrics)
      return
    case 'dns':
      metrics.dnsQueries.inc({ result: telling.result })
      return
    case 'records':
      metrics.senderDomainRecordOk.reset()
      for (const { record, domain, ok } of telling.records) {
        metrics.senderDomainRecordOk.set({ record, sender_domain: domain }, ok ? 1 : 0)
      }
      return
    case 'dkim keys':
      each(telling.counts, (stage, number) => metrics.dkimKeys.set({ stage }, number))
      return
    case 'rotations':
      each(telling.pending, (reason, number) => metrics.rotationsPending.set({ reason }, number))
      return
    case 'expiries':
      metrics.credentialExpiry.reset()
      for (const { credential, ends, at } of telling.expiries) metrics.credentialExpiry.set({ credential, ends }, at)
      return
    case 'fleets':
      each(telling.ready, (ready, number) => metrics.fleets.set({ ready }, number))
      each(telling.conditions, (condition, number) => metrics.fleetConditions.set({ condition }, number))
      return
    case 'cache':
      if (telling.news.about === 'interruption') {
        metrics.watchRestarts.inc({ resource: telling.news.resource.plural })
      }
      return
    default:
      return
  }
}

function countLease({ about }: Extract<Telling, { about: 'lease' }>['news'], metrics: Metrics): void {
  if (about === 'trouble') metrics.reconcileErrors.inc({ part: 'lease' })
  else metrics.leader.set(about === 'won' ? 1 : 0)
  if (about !== 'lost') return
  metrics.fleets.reset()
  metrics.fleetConditions.reset()
  metrics.rotationsPending.reset()
  metrics.credentialExpiry.reset()
  metrics.dkimKeys.reset()
  metrics.senderDomainRecordOk.reset()
}

function logged(telling: Telling, log: Log): void {
  switch (telling.about) {
    case 'synced':
      log('info', 'synced', { ms: Math.round(telling.ms) })
      return
    case 'lease':
      logLease(telling.news, log)
      return
    case 'cache':
      if (telling.news.about === 'interruption') {
        const { resource, why, waitMs } = telling.news
        log('warn', 'watch interrupted', { resource: resource.plural, why, waitMs: Math.round(waitMs) })
      }
      return
    case 'authority made':
      log('info', 'authority made', {})
      return
    case 'policy let go':
      log('info', 'policy let go', { fleet: telling.fleet, mail: telling.mail })
      return
    case 'fleet written':
      log('info', 'fleet written', { fleet: telling.fleet, hash: telling.hash })
      return
    case 'trouble': {
      const { part, why, object } = telling
      log('warn', 'trouble', { part, ...(object !== undefined && { object }), why })
      return
    }
    case 'turn begins':
    case 'done':
    case 'fleets':
    case 'rotations':
    case 'expiries':
    case 'records':
    case 'dkim keys':
    case 'dns':
    case 'call':
      return
  }
}

function logLease(news: Extract<Telling, { about: 'lease' }>['news'], log: Log): void {
  switch (news.about) {
    case 'won':
      log('info', 'leads', { transitions: news.afterTransitions })
      return
    case 'lost':
      log('info', 'leads no longer', {})
      return
    case 'trouble':
      // The same trouble repeats each second, e.g. without the right to the Lease, so it is logged only once.
      if (!news.again) log('warn', 'trouble', { part: 'lease', why: news.why })
      return
  }
}
