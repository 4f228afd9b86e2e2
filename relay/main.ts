/**
 * The relay's composition root: reads the configuration, builds the parts, reloads on a change, and ends in good order at
 * SIGTERM.
 */
import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import { readArguments } from './arguments.ts'
import { ConfigFolder, outcomeOf } from './config-folder.ts'
import { createDelivery } from './delivery/delivery.ts'
import { descriptorLimit, sessionsWithin } from './descriptors.ts'
import { Drain, isToLeave } from './drain.ts'
import { EndpointsFile } from './endpoints-file.ts'
import { createEvents } from './events.ts'
import { FolderWatch } from './folder-watch.ts'
import { Headroom } from './headroom.ts'
import { type RelayStatus, type RelayUsage, serve } from './http.ts'
import { createSubmission } from './inbound/submission.ts'
import { KeyUses } from './keys/key-uses.ts'
import { openKeyUsesFile } from './keys/key-uses-file.ts'
import { Keyrings } from './keys/keyrings.ts'
import { endProcess } from './last-calls.ts'
import { LastGood } from './last-good.ts'
import { Allowances } from './limits/allowances.ts'
import { FleetAllowances } from './limits/fleet-allowances.ts'
import { openQuotaFile } from './limits/quota-file.ts'
import { lineOutput, pause } from './line-output.ts'
import { foldersOf, type Loaded, toldStale } from './load.ts'
import { createLog } from './log.ts'
import { memoryLimit, sessionsInMemory } from './memory.ts'
import { createMetrics, type Observed } from './metrics.ts'
import { OneAtATime } from './one-at-a-time.ts'
import { openSpool } from './spool/file-spool.ts'
import { together, type Undone } from './together.ts'
import { Turns } from './turns.ts'
import { within } from './within.ts'

/** So long transactions and attempts in flight may take at SIGTERM: less than the half minute that a kubelet gives a pod. */
const graceMs = 25_000
/** So long all of the end may take, with what comes before and after that. */
const leaveMs = 27_000
/**
 * How often the folder is read again without an event, and what could not be applied (e.g. a port that was in use) is tried
 * again.
 */
const rereadMs = 10_000
/** So long after its log a relay that can not start says why: whoever gathers both in one file has read the log by then. */
const lastLineMs = 100
/** So long the end waits for a reload that a disk holds up; the parts of a reload that open listeners do not wait for a disk. */
const lastReloadMs = 1000

// Node cuts small buffers out of slabs, of 64 KiB by default: a header that is kept would keep a whole slab in memory.
Buffer.poolSize = 8 * 1024

const args = (() => {
  try {
    return readArguments(process.argv.slice(2))
  } catch (error) {
    process.stderr.write(`relay: ${(error as Error).message}\n`)
    process.exit(2)
  }
})()

const output = lineOutput(1, () => events)

/** Why the newest configuration can not be used, or not even be read. */
let refused: string | undefined
/** What could not be applied of the configuration in force; tried again by the next reload, also where that gets no other one. */
let undone: readonly Undone[] = []
let stopping = false
/** Listeners or delivery may be at work; before that, there is nothing to finish. */
let atWork = false
const folder = new ConfigFolder(args.config)
const lastGood = new LastGood(args.data)
let loaded: Loaded = firstConfig()
/** The one that /status tells of: while the next one is being applied, nobody knows how much of it can be. */
let applied: Loaded | undefined

const metrics = createMetrics(loaded.config.policy, observed, () => ownAllowances.ratios(loaded.config))
const events = createEvents(createLog(output), metrics, () => loaded.config.evidence.addresses)
if (refused !== undefined) events.configRefused(refused)

process.on('uncaughtException', (error) => {
  // A new process is safer than this one; nothing is lost, since what was acknowledged is on disk, and the rest will be sent again.
  events.unexpected('process', error)
  output.close()
  if (!atWork) {
    // In the form in which conditions quote the last line of a log: behind the one above, which goes by a pipe of its own. Not where
    // the relay is at work, when an error might tell of mail.
    pause(lastLineMs)
    process.stderr.write(`relay: ${error.message}\n`)
  }
  process.exit(1)
})

// Listened for from the start: as the first process of a pod (PID 1) the relay would ignore these signals otherwise, and be
// killed in the middle of its work. Never taken off again: a second signal must not kill what the first one lets finish.
process.on('SIGTERM', stop)
process.on('SIGINT', stop)
// While it starts there is nothing to reload: a reload follows the start in any case.
process.on('SIGHUP', () => atWork && reloads.ask())
if (args.parentPipe) process.stdin.resume().once('end', () => void stop('end of parent'))

const spool = await unlessStopping(openSpool({ directory: join(args.data, 'spool'), events }))
const ownAllowances: Allowances = new Allowances({
  events,
  file: openQuotaFile(join(args.data, 'quotas'), (why) => events.quotaNotKept(why), {
    during: (write) => spool.silence.during(write),
  }),
  index: args.index,
  sharing: () => loaded.config.sharing,
  storeAnswers: () => allowances.answers,
})
// This relay's name in the store of limits is that of its volume, since its counts are kept there.
const allowances = new FleetAllowances({ own: ownAllowances, relay: spool.identity ?? randomUUID(), events })
const keyUses = new KeyUses({
  file: openKeyUsesFile(join(args.data, 'key-uses'), (why) => events.keyUsesNotKept(why)),
})
const turns = new Turns()
const keyrings = new Keyrings()
const headroom = new Headroom({ strangersMs: () => turns.strangersMs })
const submission = createSubmission({
  spool,
  events,
  turns,
  headroom,
  keyrings,
  allowances,
  keyUses,
  maxSessions: Math.min(sessionsWithin(descriptorLimit()), sessionsInMemory(memoryLimit())),
})
const drain = new Drain({ submission, spool, events })
const delivery = createDelivery({
  spool,
  events,
  turns,
  headroom,
  keyrings,
  loaded: () => loaded,
  inboxDirectory: join(args.data, 'inbox'),
  attemptsFile: join(args.data, 'open-attempts'),
  flushLog: () => output.flush(),
})
const pages = await unlessStopping(
  serve(args.http, {
    notReady,
    status,
    usage,
    metrics: async () => ({ type: metrics.registry.contentType, text: await metrics.registry.metrics() }),
  }),
)

const endpoints = new EndpointsFile(join(args.data, 'endpoints.json'), (why) => events.endpointsNotTold(why))

const watch = new FolderWatch(() => reloads.ask(), rereadMs)
atWork = true
// There is no await between this and `serve`: a page that was asked for before it would show an empty queue.
delivery.start()
drain.follow(isToLeave(args.config), true)
const begun = apply(loaded)
const reloads = new OneAtATime(reload, begun)
await begun
// Something may have changed after the first load and before the folders were watched.
reloads.ask()

/**
 * The configuration to start by, loaded as if the last good one had been running: a bad configuration, or files that went bad
 * meanwhile, leave that in force, as they would later.
 */
function firstConfig(): Loaded {
  const before = outcomeOf(() => lastGood.load())
  try {
    const first = folder.load(before instanceof Error ? undefined : before)
    refused = first.refused
    return first
  } catch (error) {
    refused = (error as Error).message
    if (!(before instanceof Error)) return before
    process.stderr.write(`relay: ${refused}; and ${before.message}\n`)
    process.exit(1)
  }
}

async function reload(): Promise<void> {
  if (stopping) return
  drain.follow(isToLeave(args.config))
  const next = await followed().catch((error: Error) => error)
  if (stopping) return
  const why = next instanceof Error ? next.message : next.refused
  const isNews = why !== refused
  refused = why
  if (why !== undefined && isNews) events.configRefused(why)
  // The same files may be in other folders now; unwatched, these would be read every second.
  watch.watch(foldersOf(args.config, loaded))
  const isIdle = undone.length === 0 && (next instanceof Error || (next === loaded && !isNews))
  if (isIdle) tellEndpoints()
  else await apply(next instanceof Error ? loaded : next, isNews && why === undefined)
}

/** The configuration that the folder has now, made ready. @throws Error where it can not be used at all. */
async function followed(): Promise<Loaded> {
  const next = await folder.follow(loaded)
  // Each step of a large configuration gets a turn of the event loop of its own: here parsing is done, and indexing follows.
  await turn()
  await keyrings.ahead(next)
  return next
}

/**
 * Puts a configuration in force. What can not be done keeps nothing else from being done; it is logged once, told at /status, and
 * tried again at the next change or re-read. `isBack`: a newer one was refused meanwhile, and is gone.
 */
async function apply(next: Loaded, isBack = false): Promise<void> {
  const isAnother = next !== loaded
  const isTriedAgain = !isAnother && undone.length > 0
  const told = applied === undefined ? [] : toldStale(loaded)
  const isOther = isAnother && !(next.refused !== undefined && next.hash === applied?.hash)
  const isNews = applied === undefined || isOther || isBack
  const before = whysOf(undone)
  loaded = next
  for (const stale of toldStale(next)) if (!told.includes(stale)) events.fileNotUsed(stale)
  const whole = [
    () => allowances.follow(next),
    () => watch.watch(foldersOf(args.config, next)),
    () => submission.reconcile(next),
    () => delivery.reload(),
  ]
  const failed = await together(isTriedAgain ? undone.map(({ act }) => act) : whole)
  // Where all is well it is told at once, since the disk may take seconds for the copy; else together with what is wrong.
  if (failed.length === 0) applied = next
  undone = isTriedAgain ? failed : [...failed, ...(await together([() => lastGood.keep(next)]))]
  applied = next
  tellEndpoints()
  const whys = whysOf(undone)
  if (!isNews && whys === before) return
  if (whys === undefined) events.configApplied(next.hash)
  else events.configAppliedInPart(next.hash, whys)
}

function whysOf(all: readonly Undone[]): string | undefined {
  return all.length === 0 ? undefined : all.map(({ why }) => why).join('; ')
}

/** What is wrong with the newest configuration, or with the one in force; undefined: nothing. */
function configError(): string | undefined {
  const whys = [refused, whysOf(undone)].filter((why) => why !== undefined)
  return whys.length === 0 ? undefined : whys.join('; ')
}

function tellEndpoints(): void {
  const http = { address: args.http.host, port: pages.port }
  endpoints.tell({ pid: process.pid, http, listeners: submission.addresses() })
}

function observed(): Observed {
  const { oldestSeconds, ...queue } = delivery.summary()
  return {
    ready: notReady().length === 0,
    configOk: configError() === undefined && loaded.stale.size === 0,
    sessions: submission.sessions,
    held: headroom.waiting,
    queue,
    oldestMessageAge: oldestSeconds,
    spoolBytes: spool.bytes,
    ...roomNow(),
  }
}

/** Room for mail: of the volume, or of the size that the policy gives the queue, whichever is less. */
function roomNow(): Pick<Observed, 'spoolFreeBytes' | 'spoolRoomBytes' | 'spoolCapacityBytes'> {
  const { maxBytes } = loaded.config.queue
  const { free, forMail, total } = spool.volume
  return {
    spoolFreeBytes: free,
    spoolRoomBytes: Math.max(0, Math.min(forMail, maxBytes - spool.claimed)),
    spoolCapacityBytes: Math.min(total, maxBytes),
  }
}

function notReady(): readonly string[] {
  return [
    stopping ? 'stopping' : undefined,
    spool.fault,
    submission.addresses().length === 0 ? 'no listener is open' : undefined,
  ].filter((why) => why !== undefined)
}

function status(): RelayStatus {
  const unready = notReady()
  const limitStore = allowances.status()
  const wrong = configError()
  return {
    policy: loaded.config.policy,
    hash: (applied ?? loaded).hash,
    ...(wrong !== undefined && { configError: wrong }),
    stale: toldStale(loaded),
    ...(spool.identity !== undefined && { spoolId: spool.identity }),
    ready: unready.length === 0,
    notReady: unready,
    ...(drain.state !== undefined && { drain: drain.state }),
    listeners: submission.addresses(),
    certificates: submission.certificates(),
    smarthosts: delivery.smarthosts(),
    signing: delivery.signing(),
    ...(limitStore !== undefined && { limitStore }),
    sessions: submission.sessions,
    queue: delivery.summary(),
  }
}

function usage(): RelayUsage {
  const { config } = loaded
  return { ...ownAllowances.usage(config), now: new Date().toISOString(), keys: keyUses.usage(config) }
}

/** What the start waits for; it never goes on, or fails, once the relay is to end. */
function unlessStopping<T>(step: Promise<T>): Promise<T> {
  return step.finally(() => (stopping ? new Promise(() => {}) : undefined))
}

/** Stops accepting, finishes what is in flight, and exits in time; what is queued stays queued. `why`: the signal. */
async function stop(why: string): Promise<void> {
  if (stopping) return
  stopping = true
  events.stopping(why)
  const close = () => output.close()
  const leaving = atWork ? leaveWork() : Promise.resolve()
  const left = await within(
    leaveMs,
    leaving.then(() => true),
  )
  await endProcess(left === undefined, () => events.endedAtTheDisk(args.data), close)
}

async function leaveWork(): Promise<void> {
  watch.close()
  drain.close()
  await within(lastReloadMs, reloads.done)
  await Promise.all([submission.close(graceMs), delivery.close(graceMs)])
  await Promise.all([allowances.close(), keyUses.close()])
  await spool.close()
  pages.close()
}
