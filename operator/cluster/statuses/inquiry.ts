/** Keeps asking the relays of each fleet, a few at a time, and remembers what each said last. */
import type { Name } from '../../compile/snapshot.ts'
import { began } from '../../lifecycle/began.ts'
import type { RelayPod } from '../watch/relay-pod.ts'
import type { Ask } from './ask-relay.ts'
import { askAgainMs } from './asking-pace.ts'
import type { RelayReport } from './relay-report.ts'

/** A pod, and what is known of its relay. */
export type AskedPod = {
  readonly pod: RelayPod
  /** What it said last; absent before its first answer, and after a long silence. */
  readonly report?: RelayReport
  /** Since when it has been ready without reporting the hash that it should; milliseconds since the epoch. */
  readonly lagsSince?: number
}

type Entry = {
  readonly fleet: Name
  pod: RelayPod
  wanted: string | undefined
  report: RelayReport | undefined
  lagsSince: number | undefined
  silentSince: number | undefined
  asking: boolean
  /** It changed while it was being asked, so it has to be asked again. */
  again: boolean
  timer: NodeJS.Timeout | undefined
}

type Inquiring = {
  readonly ask: Ask
  /** Somebody said something new. */
  readonly changed: () => void
  readonly now: () => number
  readonly signal: AbortSignal
}

const mostAtOnce = 48
/** One lost answer means nothing: the last one counts for this much longer. */
const silenceMs = 15_000

export class Inquiry {
  readonly #inquiring: Inquiring
  readonly #entries = new Map<string, Entry>()
  readonly #queue: Entry[] = []
  #underWay = 0

  constructor(inquiring: Inquiring) {
    this.#inquiring = inquiring
  }

  /**
   * Which pods to ask from now on. `hash` is what they should report; `lagsSince`, since when a fleet that is new here has
   * lagged.
   */
  follow(fleets: ReadonlyMap<Name, Followed>): void {
    const uids = new Set([...fleets.values()].flatMap(({ pods }) => pods.map(({ uid }) => uid)))
    for (const [uid, entry] of this.#entries) if (!uids.has(uid)) this.#forget(uid, entry)
    for (const [fleet, { pods, hash, lagsSince }] of fleets) {
      for (const pod of pods) this.#note(fleet, pod, hash, lagsSince)
    }
  }

  known(pods: readonly RelayPod[]): readonly AskedPod[] {
    return pods.map((pod) => {
      const { report, lagsSince } = this.#entries.get(pod.uid) ?? {}
      return { pod, ...(report !== undefined && { report }), ...(lagsSince !== undefined && { lagsSince }) }
    })
  }

  /** Asks no relay any more, and forgets all answers. */
  stop(): void {
    for (const [uid, entry] of this.#entries) this.#forget(uid, entry)
  }

  #note(fleet: Name, pod: RelayPod, hash: string | undefined, lagsSince: number | undefined): void {
    const known = this.#entries.get(pod.uid)
    if (known === undefined) {
      const entry: Entry = { ...nothingKnown, fleet, pod, wanted: hash }
      this.#entries.set(pod.uid, entry)
      this.#judge(entry, lagsSince)
      this.#askSoon(entry)
      return
    }
    const turns = pod.ready !== known.pod.ready || pod.ip !== known.pod.ip || pod.httpPort !== known.pod.httpPort
    // The container may have been started again, with another configuration than before.
    if (turns) known.report = undefined
    known.pod = pod
    if (!turns && hash === known.wanted) return
    known.wanted = hash
    this.#judge(known)
    this.#askSoon(known)
  }

  #forget(uid: string, entry: Entry): void {
    clearTimeout(entry.timer)
    this.#entries.delete(uid)
  }

  #askSoon(entry: Entry): void {
    clearTimeout(entry.timer)
    if (entry.asking) entry.again = true
    else {
      entry.asking = true
      this.#queue.push(entry)
      this.#start()
    }
  }

  #start(): void {
    while (this.#underWay < mostAtOnce) {
      const entry = this.#queue.shift()
      if (entry === undefined) return
      this.#underWay += 1
      void this.#ask(entry).finally(() => {
        this.#underWay -= 1
        this.#start()
      })
    }
  }

  async #ask(entry: Entry): Promise<void> {
    const { ask, signal, now } = this.#inquiring
    const { pod } = entry
    const isOurs = (): boolean => this.#entries.get(pod.uid) === entry && !signal.aborted
    // A pod that is being deleted is not asked: it counts no more.
    const report = isOurs() && !pod.leaving ? await ask(pod, signal).catch(() => undefined) : undefined
    entry.asking = false
    if (!isOurs()) return
    if (entry.again) {
      // The answer came from an earlier address or container, and says nothing about this one.
      entry.again = false
      this.#askSoon(entry)
      return
    }
    this.#heard(entry, report)
    const since = entry.lagsSince ?? entry.silentSince
    const againMs = askAgainMs(since === undefined ? undefined : now() - since, spreadOf(pod.uid))
    entry.timer = setTimeout(() => this.#askSoon(entry), againMs)
  }

  /** A relay of another fleet, which has got this address, says nothing about this one. */
  #heard(entry: Entry, answer: RelayReport | undefined): void {
    const before = newsIn(entry)
    const report = answer?.policy === entry.fleet ? answer : undefined
    const now = this.#inquiring.now()
    if (report !== undefined) {
      // A relay that loads one newer configuration after another is at work, and not stuck.
      if (entry.report !== undefined && report.hash !== entry.report.hash) entry.lagsSince = undefined
      entry.report = report
      entry.silentSince = undefined
    } else {
      entry.silentSince = began(entry.silentSince, now)
      if (now - entry.silentSince >= silenceMs) entry.report = undefined
    }
    this.#judge(entry)
    if (newsIn(entry) !== before) this.#inquiring.changed()
  }

  #judge(entry: Entry, since?: number): void {
    const { pod, wanted, report } = entry
    const lags = pod.ready && !pod.leaving && wanted !== undefined && report?.hash !== wanted
    entry.lagsSince = lags ? began(entry.lagsSince ?? since, this.#inquiring.now()) : undefined
  }
}

export type Followed = {
  readonly pods: readonly RelayPod[]
  readonly hash: string | undefined
  readonly lagsSince: number | undefined
}

const nothingKnown = {
  report: undefined,
  lagsSince: undefined,
  silentSince: undefined,
  asking: false,
  again: false,
  timer: undefined,
}

/** All of it but the queue, which changes all the time: its length is sampled once a minute (`queued-sample.ts`). */
const newsIn = ({ report, lagsSince }: Entry): string => JSON.stringify([{ ...report, queue: undefined }, lagsSince])

/** In [0, 1), by the last digits of the pod's uid, which are random. */
const spreadOf = (uid: string): number => (Number.parseInt(uid.slice(-4), 16) || 0) / 0x10000
