/**
 * Which Events to write: one for the first time that something happens, and a larger count on it for its repetitions. Pure.
 */
import { microTime } from '../api/micro-time.ts'
import type { KubeObject } from '../api/object.ts'

export type Regarding = {
  readonly apiVersion: string
  readonly kind: string
  readonly namespace: string
  readonly name: string
  readonly uid?: string
}

export type Occasion = {
  /** The object that it happened to; the Event goes into its namespace. */
  readonly regarding: Regarding
  readonly type: 'Normal' | 'Warning'
  /** A word for programs, e.g. `SecretRepaired`. */
  readonly reason: string
  /** What the operator was doing, e.g. `Apply`. */
  readonly action: string
  /** A sentence for people; never a value of a Secret. */
  readonly note: string
}

export type EventWrite = {
  /** Names the series that it belongs to. */
  readonly key: string
} & (
  | { readonly do: 'create'; readonly event: KubeObject }
  | { readonly do: 'count'; readonly namespace: string; readonly name: string; readonly series: EventSeriesCount }
)
export type EventSeriesCount = { readonly count: number; readonly lastObservedTime: string }

type Series = {
  readonly event: KubeObject
  readonly note: string
  readonly begun: number
  seen: number
  count: number
  /** The count that the Event has in the cluster, and when it was written. */
  written: number
  writtenAt: number
}

/** After a longer pause, a repetition begins a new Event. */
const pauseMs = 10 * 60_000
/** How often one Event is counted up at most; and how soon the same reason with another note becomes another Event. */
const patienceMs = 60_000
/** Bounds the memory. Occasions beyond that have no Event; the conditions still tell how things are. */
const mostSeries = 5000
/** Limits of events.k8s.io/v1. */
const limits = { note: 1024, word: 128, name: 220 }

const keyOf = ({ regarding: { kind, namespace, name, uid = '' }, type, reason }: Occasion): string =>
  JSON.stringify([kind, namespace, name, uid, type, reason])

export class EventSeries {
  readonly #reporter: string
  readonly #series = new Map<string, Series>()

  /** `reporter` names this very operator, e.g. its pod. */
  constructor(reporter: string) {
    this.#reporter = reporter
  }

  /**
   * Takes note of an occasion; returns what to write at once. `unique` ends the name of the Event; `now` is in milliseconds
   * since the epoch.
   */
  note(occasion: Occasion, now: number, unique: string): EventWrite | undefined {
    const key = keyOf(occasion)
    const series = this.#series.get(key)
    if (series !== undefined && !isOver(series, now) && !isAnotherStory(series, occasion, now)) {
      series.count += 1
      series.seen = now
      return undefined
    }
    if (series === undefined && this.#series.size >= mostSeries) return undefined
    const event = eventOf(occasion, this.#reporter, now, unique)
    const fresh = { begun: now, seen: now, count: 1, written: 1, writtenAt: now }
    this.#series.set(key, { event, note: occasion.note, ...fresh })
    return { key, do: 'create', event }
  }

  /** The counts that are due, to be asked for now and then; what is over is forgotten. */
  due(now: number): readonly EventWrite[] {
    const writes: EventWrite[] = []
    for (const [key, series] of this.#series) {
      if (series.count > series.written && now - series.writtenAt >= patienceMs) {
        series.written = series.count
        series.writtenAt = now
        writes.push(countOf(key, series))
      } else if (series.count === series.written && isOver(series, now)) this.#series.delete(key)
    }
    return writes
  }

  /** Forgets an Event that is not in the cluster, since it can not be counted up: the next repetition creates a new one. */
  forget(write: EventWrite): void {
    const name = write.do === 'create' ? write.event.metadata.name : write.name
    if (this.#series.get(write.key)?.event.metadata.name === name) this.#series.delete(write.key)
  }
}

const isOver = ({ seen }: Series, now: number): boolean => now - seen >= pauseMs

const isAnotherStory = ({ note, begun }: Series, occasion: Occasion, now: number): boolean =>
  note !== occasion.note && now - begun >= patienceMs

const countOf = (key: string, { event, count, seen }: Series): EventWrite => ({
  key,
  do: 'count',
  namespace: event.metadata.namespace ?? '',
  name: event.metadata.name,
  series: { count, lastObservedTime: microTime(seen) },
})

function eventOf(occasion: Occasion, reporter: string, now: number, unique: string): KubeObject {
  const { regarding, type, reason, action, note } = occasion
  return {
    apiVersion: 'events.k8s.io/v1',
    kind: 'Event',
    metadata: { name: `${begunAs(regarding.name)}.${unique}`, namespace: regarding.namespace },
    eventTime: microTime(now),
    reportingController: 'relayfleet.dev/operator',
    reportingInstance: reporter.slice(0, limits.word),
    action: action.slice(0, limits.word),
    reason: reason.slice(0, limits.word),
    type,
    regarding,
    note: shortened(note),
  }
}

/** The beginning of the name of an Event, which has to be a DNS name: no label of it may be empty, or end with a dash. */
const begunAs = (name: string): string => name.slice(0, limits.name).replace(/[-.]+$/, '')

/** The note as it fits: its length is limited in octets, and no character is cut in two. */
function shortened(note: string): string {
  if (Buffer.byteLength(note) <= limits.note) return note
  const room = limits.note - Buffer.byteLength('…')
  const cut = new TextDecoder().decode(Buffer.from(note).subarray(0, room), { stream: true })
  return `${cut}…`
}
