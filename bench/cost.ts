/**
 * What one message costs: `npm run bench:cost`, microseconds of the processor for the relay (its main thread, its others), the
 * load and the receiver. Time of the processor moves less than a clock does on a machine that others use too. With
 * `--beside FOLDER` another working tree of this repository is measured in turn, under the same load.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { makeCertificates } from '../test/certificates.ts'
import { startSink } from '../test/local/receiver.ts'
import type { Contender, Setting } from './contender.ts'
import { busyMs, type Usage } from './processor-time.ts'
import { race } from './race.ts'

const { values } = parseArgs({
  options: {
    messages: { type: 'string', default: '6000' },
    rounds: { type: 'string', default: '5' },
    bytes: { type: 'string', default: '4096' },
    sessions: { type: 'string', default: '20' },
    'per-connection': { type: 'string' },
    beside: { type: 'string', multiple: true, default: [] },
  },
})
const messages = Number(values.messages)
const order = {
  messages,
  sessions: Number(values.sessions),
  bytes: Number(values.bytes),
  ...(values['per-connection'] !== undefined && { messagesPerConnection: Number(values['per-connection']) }),
}

type Cost = { readonly main: number; readonly others: number; readonly load: number; readonly sink: number; readonly perSecond: number }
type Tree = { readonly name: string; readonly start: (setting: Setting) => Promise<Contender>; readonly costs: Cost[] }

async function treeIn(folder: string): Promise<Tree> {
  const { startRelayfleet } = (await import(join(folder, 'bench/relayfleet.ts'))) as Pick<
    typeof import('./relayfleet.ts'),
    'startRelayfleet'
  >
  return { name: folder, start: startRelayfleet, costs: [] }
}

async function measure({ start }: Tree, setting: Omit<Setting, 'sink'>): Promise<Cost> {
  const sink = await startSink()
  const contender = await start({ ...setting, sink })
  try {
    await race({ contender, sink }, { ...order, messages: Math.ceil(messages / 3) })
    const [relay, receiver] = [busyMs(contender.pid), busyMs(sink.pid)]
    const { loadCores, acceptedPerSecond, deliveredPerSecond } = await race({ contender, sink }, order)
    const each = (before: Usage, after: Usage, part: keyof Usage): number => (1000 * (after[part] - before[part])) / messages
    const [relayAfter, receiverAfter] = [busyMs(contender.pid), busyMs(sink.pid)]
    return {
      main: each(relay, relayAfter, 'main'),
      others: each(relay, relayAfter, 'others'),
      load: (1e6 * loadCores) / acceptedPerSecond,
      sink: each(receiver, receiverAfter, 'main'),
      perSecond: deliveredPerSecond,
    }
  } finally {
    await contender.stop()
    await sink.stop()
  }
}

const median = (costs: readonly Cost[], of: (cost: Cost) => number): number =>
  Math.round(costs.map(of).toSorted((a, b) => a - b)[costs.length >> 1] ?? Number.NaN)

const folder = mkdtempSync(join(process.env['RELAYFLEET_BENCH_DIR'] ?? tmpdir(), 'relayfleet-bench-'))
try {
  const certificates = await makeCertificates(['127.0.0.1'])
  const trees = await Promise.all([join(import.meta.dirname, '..'), ...values.beside].map((tree) => treeIn(resolve(tree))))
  for (let round = 0; round < Number(values.rounds); round += 1)
    for (const tree of trees)
      tree.costs.push(await measure(tree, { certificates, folder: mkdtempSync(join(folder, 'contender-')) }))
  console.table(
    trees.map(({ name, costs }) => ({
      tree: name,
      'relay, µs': median(costs, (cost) => cost.main + cost.others),
      'of them main': median(costs, (cost) => cost.main),
      'load, µs': median(costs, (cost) => cost.load),
      'receiver, µs': median(costs, (cost) => cost.sink),
      'delivered/s': median(costs, (cost) => cost.perSecond),
    })),
  )
} finally {
  rmSync(folder, { recursive: true, force: true })
}
