/**
 * What one message costs: `npm run bench:cost` tells microseconds of processor time for the relay (all its threads, and its main
 * thread), the load and the receiver. On a machine that others use too, processor time varies less than time by the clock; the
 * ratio of the relay's to the load's varies least, since the load does the same work in every run. With `--beside FOLDER`, the
 * working tree of this repository in that folder is measured in turn under the same load; with `--floor`, so is what sockets,
 * TLS and the disk alone cost. After each load, the duration of one submission alone is measured by the clock.
 */
import { rmSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { makeCertificates } from '../test/certificates.ts'
import { median } from '../test/local/median.ts'
import { type Sink, startSink } from '../test/local/receiver.ts'
import { contenderFolder, plainFolder } from './bench-folder.ts'
import type { Contender, Setting } from './contender.ts'
import { startFloor } from './floor.ts'
import { latency } from './latency.ts'
import { busyMs } from './processor-time.ts'
import { race } from './race.ts'

const { values } = parseArgs({
  options: {
    messages: { type: 'string', default: '2000' },
    rounds: { type: 'string', default: '9' },
    bytes: { type: 'string', default: '4096' },
    sessions: { type: 'string', default: '20' },
    'per-connection': { type: 'string' },
    pipelined: { type: 'boolean', default: false },
    floor: { type: 'boolean', default: false },
    beside: { type: 'string', multiple: true, default: [] },
  },
})
const messages = Number(values.messages)
const order = {
  messages,
  sessions: Number(values.sessions),
  bytes: Number(values.bytes),
  pipelined: values.pipelined,
  ...(values['per-connection'] !== undefined && { messagesPerConnection: Number(values['per-connection']) }),
}
/** After this many messages, V8 has compiled most of what a relay runs. */
const warmUp = { ...order, messages: 3 * messages }

const samplesAlone = 200

/** The first four in microseconds a message, `delivered` in messages a second, and the last two in milliseconds. */
type Cost = Readonly<Record<'relay' | 'main' | 'load' | 'receiver' | 'delivered' | 'aloneP50' | 'aloneP99', number>>
type Tree = { readonly name: string; readonly contender: Contender; readonly sink: Sink; readonly costs: Cost[] }

type Start = (setting: Setting) => Promise<Contender>

async function treeIn(folder: string): Promise<readonly [name: string, start: Start]> {
  const { startRelayfleet } = (await import(join(folder, 'bench/relayfleet.ts'))) as { readonly startRelayfleet: Start }
  return [folder, startRelayfleet]
}

async function open(name: string, start: Start, setting: Omit<Setting, 'sink'>): Promise<Tree> {
  const sink = await startSink()
  return { name, sink, contender: await start({ ...setting, sink }), costs: [] }
}

async function measure({ contender, sink }: Tree): Promise<Cost> {
  const now = () => ({ relay: busyMs(contender.pid), receiver: busyMs(sink.pid) })
  const before = now()
  const { loadCores, acceptedPerSecond, deliveredPerSecond } = await race({ contender, sink }, order)
  const after = now()
  const alone = await latency(contender.access, { samples: samplesAlone, bytes: order.bytes })
  const each = (ms: number): number => (1000 * ms) / messages
  return {
    relay: each(after.relay.all - before.relay.all),
    main: each(after.relay.main - before.relay.main),
    load: (1e6 * loadCores) / acceptedPerSecond,
    receiver: each(after.receiver.all - before.receiver.all),
    delivered: deliveredPerSecond,
    aloneP50: alone.p50Ms,
    aloneP99: alone.p99Ms,
  }
}

function report({ name, costs }: Tree) {
  const middle = (figure: keyof Cost): number => median(costs.map((cost) => cost[figure]))
  const of = (figure: keyof Cost): number => Math.round(middle(figure))
  return {
    tree: name,
    'relay, µs': of('relay'),
    'of them main': of('main'),
    'load, µs': of('load'),
    'receiver, µs': of('receiver'),
    'relay / load': median(costs.map(({ relay, load }) => relay / load)).toFixed(3),
    'main / load': median(costs.map(({ main, load }) => main / load)).toFixed(3),
    'delivered/s': of('delivered'),
    'alone, p50 ms': middle('aloneP50').toFixed(2),
    'p99 ms': middle('aloneP99').toFixed(2),
  }
}

const place = plainFolder('relayfleet-bench-')
const trees: Tree[] = []
try {
  const certificates = await makeCertificates(['127.0.0.1'])
  const starts = await Promise.all(
    [join(import.meta.dirname, '..'), ...values.beside].map((tree) => treeIn(resolve(tree))),
  )
  if (values.floor) starts.push(['floor', startFloor])
  for (const [name, start] of starts)
    trees.push(await open(name, start, { certificates, folder: contenderFolder(place) }))
  for (const tree of trees) await race(tree, warmUp)
  for (let round = 0; round < Number(values.rounds); round += 1)
    for (const tree of trees) tree.costs.push(await measure(tree))
  console.table(trees.map(report))
} finally {
  await Promise.all(trees.flatMap(({ contender, sink }) => [contender.stop(), sink.stop()]))
  rmSync(place, { recursive: true, force: true })
}
