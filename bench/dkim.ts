/**
 * What signing costs: Relayfleet without a signature, with one and with two, and Postfix without one and with opendkim, in turns
 * on this machine: `npm run bench:dkim`, as root; it takes two minutes.
 */
import { rmSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { makeCertificates } from '../test/certificates.ts'
import { loadMessage } from '../test/local/load-message.ts'
import { median } from '../test/local/median.ts'
import { startSink } from '../test/local/receiver.ts'
import { SmtpSession } from '../test/local/smtp-session.ts'
import { until } from '../test/local/until.ts'
import { ed25519Key, rsaKey } from '../test/relay/delivery/signing-keys.ts'
import { openSmarthost } from '../test/relay/delivery/smarthost.ts'
import { benchFolder, contenderFolder } from './bench-folder.ts'
import type { Contender, Setting } from './contender.ts'
import type { Run } from './lane.ts'
import { machine, revision } from './machine.ts'
import { startPostfixWithOpendkim } from './opendkim.ts'
import { startPostfix } from './postfix.ts'
import { race } from './race.ts'
import { startRelayfleet, startSigning } from './relayfleet.ts'
import { keep, resultsFile } from './results.ts'

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    messages: { type: 'string', default: '3000' },
    out: { type: 'string' },
  },
})
const [rsa, ed25519] = [rsaKey('r1'), ed25519Key('e1')]

type Entrant = {
  readonly name: string
  /** The number of DKIM-Signature fields in each message. */
  readonly signatures: number
  readonly start: (setting: Setting) => Promise<Contender>
}
const entrants: readonly Entrant[] = [
  { name: 'Relayfleet', signatures: 0, start: startRelayfleet },
  { name: 'Relayfleet, RSA', signatures: 1, start: (setting) => startSigning(setting, [rsa]) },
  { name: 'Relayfleet, RSA and Ed25519', signatures: 2, start: (setting) => startSigning(setting, [rsa, ed25519]) },
  { name: 'Postfix', signatures: 0, start: startPostfix },
  { name: 'Postfix and opendkim, RSA', signatures: 1, start: (setting) => startPostfixWithOpendkim(setting, rsa) },
]

type Place = { readonly folder: string; readonly certificates: Setting['certificates'] }
const newPlace = ({ folder, certificates }: Place): Place => {
  return { folder: contenderFolder(folder), certificates }
}

/** The sink of the race throws messages away, so their signatures are counted before, in one message to another receiver. */
async function demandSignatures({ name, signatures, start }: Entrant, place: Place): Promise<void> {
  const receiver = await openSmarthost()
  const contender = await start({ ...newPlace(place), sink: receiver })
  try {
    const session = await SmtpSession.open(contender.access)
    const envelope = { id: 'first', reversePath: 'app@corp.test', forwardPaths: ['someone@sink.test'] }
    await session.expect(session.submit(loadMessage(envelope, 4096)), 250)
    await session.quit()
    const content = await until('the message arrives', () => receiver.received[0]?.content.toString('latin1'))
    const found = content.match(/^DKIM-Signature:/gm)?.length ?? 0
    if (found !== signatures) throw new Error(`${name} made ${found} signatures, not ${signatures}`)
  } finally {
    await contender.stop()
    await receiver.stop()
  }
}

async function oneRun({ start }: Entrant, place: Place): Promise<Run> {
  const sink = await startSink()
  try {
    const contender = await start({ ...newPlace(place), sink })
    try {
      await race({ contender, sink }, { sessions: 20, bytes: 4096, messages: 500 })
      return await race({ contender, sink }, { sessions: 20, bytes: 4096, messages: Number(values.messages) })
    } finally {
      await contender.stop()
    }
  } finally {
    await sink.stop()
  }
}

async function bench(place: Place): Promise<void> {
  for (const entrant of entrants) await demandSignatures(entrant, place)
  const runs = new Map<Entrant, Run[]>(entrants.map((entrant) => [entrant, []]))
  for (let round = 1; round <= Number(values.rounds); round += 1) {
    // In turns, so that a slow minute of the machine slows all of them.
    for (const [entrant, own] of runs) {
      const run = await oneRun(entrant, place)
      own.push(run)
      console.log(
        `round ${round}, ${entrant.name}: ${run.acceptedPerSecond.toFixed(0)}/s in, ${run.deliveredPerSecond.toFixed(0)}/s out`,
      )
    }
  }
  const delivered = (entrant: Entrant | undefined): number =>
    median(((entrant && runs.get(entrant)) ?? []).map((run) => run.deliveredPerSecond))
  console.table(
    entrants.map((entrant, i) => ({
      name: entrant.name,
      'delivered/s': Math.round(delivered(entrant)),
      'of its own without': (delivered(entrant) / delivered(entrants[i < 3 ? 0 : 3])).toFixed(2),
    })),
  )
  const at = new Date().toISOString()
  const file = values.out ?? resultsFile('dkim', at)
  const raw = [...runs].map(([{ name }, own]) => ({ name, runs: own }))
  keep({ at, revision: revision(), machine, messages: Number(values.messages), raw }, file)
  console.log(`raw numbers: ${file}`)
}

const folder = benchFolder('bench:dkim', { programs: ['postfix', 'smtp-sink', 'saslpasswd2', 'opendkim'], root: true })
try {
  await bench({ folder, certificates: await makeCertificates(['127.0.0.1']) })
} finally {
  rmSync(folder, { recursive: true, force: true })
}
