/** The relay's composition root: read the configuration, build the parts, reload on change, drain on SIGTERM. */
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
import { lineOutput } from './line-output.ts'
import { foldersOf, type Loaded, toldStale } from './load.ts'
import { createLog } from './log.ts'
import { memoryLimit, sessionsInMemory } from './memory.ts'
import { createMetrics, type Observed } from './metrics.ts'
import { OneAtATime } from './one-at-a-time.ts'
import { openSpool } from './spool/file-spool.ts'
import { together, type Undone } from './together.ts'
import { Turns } from './turns.ts'
import { within } from './within.ts'

/** Less than the half minute that a kubelet gives a pod. */
const graceMs = 25_000
/** With what comes before and after. */
const leaveMs = 27_000
/** What could not be applied is tried again this often, e.g. a port that somebody else held. */
const rereadMs = 10_000
/** A reload that a disk holds up keeps nobody from being told to leave: what opens something waits for no disk. */
const lastReloadMs = 1000

// Of Node's own slabs of 64 KiB a header that is kept would keep a whole one.
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

let configError: string | undefined
/** What is missing of the configuration in force. */
let undone: readonly Undone[] = []
let stopping = false
/** Something may be accepted or attempted. */
let atWork = false
const folder = new ConfigFolder(args.config)
const lastGood = new LastGood(args.data)
let loaded: Loaded = firstConfig()

const metrics = createMetrics(loaded.config.policy, observed, () => ownAllowances.ratios(loaded.config))
const events = createEvents(createLog(output), metrics, () => loaded.config.evidence.addresses)
if (configError !== undefined) events.configRefused(configError)

process.on('uncaughtException', (error) => {
  // What is acknowledged is on disk; what is not will be sent again. A new process is safer than this one.
  events.unexpected('process', error)
  output.close()
  process.exit(1)
})

// As the first process of a pod it would not end by a signal that it does not listen for, and be killed at its work later.
// As often as it is asked: who is asked once more, as by each edit beside a fleet of no replicas, is not to drop what is in flight.
process.on('SIGTERM', stop)
process.on('SIGINT', stop)
// Before that, whatever has changed is seen by the reload that follows the start.
process.on('SIGHUP', () => atWork && reloads.ask())
if (args.parentPipe) process.stdin.resume().once('end', () => void stop('end of parent'))

const spool = await openSpool({ directory: join(args.data, 'spool'), events })
const ownAllowances: Allowances = new Allowances({
  events,
  file: openQuotaFile(join(args.data, 'quotas'), (why) => events.quotaNotKept(why)),
  index: args.index,
  sharing: () => loaded.config.sharing,
  storeAnswers: () => allowances.answers,
})
// Its name in a store goes with the volume on which its counts are.
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
const pages = await serve(args.http, {
  notReady,
  status,
  usage,
  metrics: async () => ({ type: metrics.registry.contentType, text: await metrics.registry.metrics() }),
})

const endpoints = new EndpointsFile(join(args.data, 'endpoints.json'), (why) => events.endpointsNotTold(why))

const watch = new FolderWatch(() => reloads.ask(), rereadMs)
atWork = true
// Before the first page is asked for: a queue that is not looked at yet would look empty.
delivery.start()
drain.set(isToLeave(args.config) ?? false, true)
const begun = apply(loaded).then((why) => {
  if (configError === loaded.refused) configError = why
})
const reloads = new OneAtATime(reload, begun)
await begun
// What changed before the folders were watched.
reloads.ask()

/** Beside the copy of the last good one: what went bad while nobody ran is no worse than what goes bad later. */
function firstConfig(): Loaded {
  const before = outcomeOf(() => lastGood.load())
  try {
    const first = folder.load(before instanceof Error ? undefined : before)
    configError = first.refused
    return first
  } catch (error) {
    configError = (error as Error).message
    if (!(before instanceof Error)) return before
    process.stderr.write(`relay: ${configError}; and ${before.message}\n`)
    process.exit(1)
  }
}

async function reload(): Promise<void> {
  if (stopping) return
  const leaves = isToLeave(args.config)
  if (leaves !== undefined) drain.set(leaves)
  try {
    const next = await folder.follow(loaded)
    // To read 10,000 credentials takes a turn, to index them another one, and to print them a third (last-good.ts).
    await turn()
    await keyrings.ahead(next)
    if (stopping) return
    const { refused } = next
    if (refused !== undefined && next !== loaded && refused !== configError) events.configRefused(refused)
    if (configError === refused && next === loaded) tellEndpoints()
    else configError = await apply(next)
  } catch (error) {
    const why = (error as Error).message
    if (why !== configError) events.configRefused(why)
    configError = why
  }
}

/** What can not be done keeps nothing else from being in force; it is told once, and tried again at the next change or re-read. */
async function apply(next: Loaded): Promise<string | undefined> {
  const isTriedAgain = next === loaded && undone.length > 0
  const told = next === loaded ? [] : toldStale(loaded)
  const isAsBefore = next !== loaded && next.refused !== undefined && next.hash === loaded.hash
  loaded = next
  for (const stale of toldStale(next)) if (!told.includes(stale)) events.fileNotUsed(stale)
  const whole = [
    () => allowances.follow(next),
    () => watch.watch(foldersOf(args.config, next)),
    () => submission.reconcile(next),
    () => delivery.reload(),
    () => lastGood.keep(next),
  ]
  undone = await together(isTriedAgain ? undone.map(({ act }) => act) : whole)
  tellEndpoints()
  const whys = [next.refused, ...undone.map((one) => one.why)].filter((why) => why !== undefined)
  const why = whys.length === 0 ? undefined : whys.join('; ')
  if (undone.length > 0 && why !== configError)
    events.configAppliedInPart(next.hash, undone.map((o) => o.why).join('; '))
  if (undone.length === 0 && !isAsBefore) events.configApplied(next.hash)
  return why
}

function tellEndpoints(): void {
  const http = { address: args.http.host, port: pages.port }
  endpoints.tell({ pid: process.pid, http, listeners: submission.addresses() })
}

function observed(): Observed {
  const { oldestSeconds, ...queue } = delivery.summary()
  return {
    ready: notReady().length === 0,
    configOk: configError === undefined && loaded.stale.size === 0,
    sessions: submission.sessions,
    held: headroom.waiting,
    queue,
    oldestMessageAge: oldestSeconds,
    spoolBytes: spool.bytes,
    ...roomNow(),
  }
}

/** Mail is refused where the volume, or the size that the queue may have, is used up. */
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
  return {
    policy: loaded.config.policy,
    hash: loaded.hash,
    ...(configError !== undefined && { configError }),
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

/** Stop accepting, finish what is in flight, exit in time; what is queued stays queued. */
async function stop(why: string): Promise<void> {
  if (stopping) return
  stopping = true
  events.stopping(why)
  const close = () => output.close()
  if (!atWork) {
    close()
    process.exit(0)
  }
  const left = await within(
    leaveMs,
    leaveWork().then(() => true),
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
