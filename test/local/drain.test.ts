/** A relay that is told to leave its fleet sends clients away, delivers its mail, and says when it has none left (case S29). */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { makeCertificates } from '../certificates.ts'
import { freePort } from './free-port.ts'
import { startLoad } from './load.ts'
import { startSwiftReceiver } from './receiver.ts'
import { recordMessages } from './recorded-messages.ts'
import { accessTo, loadConfig, putFile, type Relay, startRelay, writeRelay } from './relay-process.ts'
import { SmtpSession } from './smtp-session.ts'
import { until } from './until.ts'

async function stage() {
  const folder = mkdtempSync(join(tmpdir(), 'relayfleet-drain-'))
  const certificates = await makeCertificates(['127.0.0.1'])
  const listenPort = await freePort()
  const access = accessTo(listenPort, certificates)
  const messages = recordMessages()
  let relay: Relay | undefined
  onTestFinished(async () => {
    await relay?.end('SIGKILL')
    rmSync(folder, { recursive: true, force: true })
  })
  return {
    access,
    folder,
    sent: () => [...messages.sent.values()],
    /** Makes this the relay's smarthost; a relay that runs goes on. */
    through: (smarthostPort: number) =>
      writeRelay(folder, loadConfig({ listenPort, smarthostPort, maxConnections: 1 }), certificates),
    leaves: (text: string) => putFile(folder, 'drain', text),
    start: async (): Promise<Relay> => {
      relay = await startRelay(folder)
      return relay
    },
    submitted: async (count: number): Promise<void> => {
      let left = count
      const next = () => (left-- > 0 ? messages.next() : undefined)
      await startLoad({ access, sessions: 1, next, tell: messages.tell }).done
      expect(messages.refused).toEqual([])
    },
  }
}

const stateIn = async (relay: Relay) => (await relay.status()).drain
const drained = (relay: Relay) => until('the relay is drained', async () => (await stateIn(relay)) === 'Drained')

test('a relay that is to leave when it starts takes no mail, keeps its queue, and delivers it as soon as it can', async () => {
  const { access, folder, sent, through, leaves, start, submitted } = await stage()
  const receiver = await startSwiftReceiver(folder)
  onTestFinished(() => receiver.stop())
  through(await freePort())
  const before = await start()
  await submitted(5)
  await before.end('SIGKILL')
  leaves('2026-11-27T06:00:00Z')
  const relay = await start()
  expect(await relay.status()).toMatchObject({ ready: true, drain: 'Draining' })
  await expect(SmtpSession.connect(access)).rejects.toThrow('421')
  expect(await relay.metric('relayfleet_draining')).toBe(1)
  // Told to stay after all, the relay takes mail again.
  leaves('')
  await until('the relay is to stay', async () => (await stateIn(relay)) === undefined)
  await submitted(1)
  await relay.end('SIGTERM')
  leaves('2026-11-27T06:01:00Z')
  const last = await start()
  expect(await stateIn(last)).toBe('Draining')
  through(receiver.port)
  await drained(last)
  const arrivals = receiver.arrivals()
  const arrived = arrivals.filter(({ reversePath }) => reversePath !== '').flatMap(({ forwardPaths }) => forwardPaths)
  expect(arrived.toSorted()).toEqual(
    sent()
      .flatMap(({ deliverable }) => deliverable)
      .toSorted(),
  )
  // Before the relay was empty, each recipient that was refused had been reported, and the DSN delivered.
  const returned = sent().filter(({ undeliverable }) => undeliverable.length > 0)
  expect(arrivals.filter(({ reversePath }) => reversePath === '')).toHaveLength(returned.length)
})

test('a relay that is told to leave while it runs sends new clients away, and becomes drained', async () => {
  const { access, folder, through, leaves, start } = await stage()
  const receiver = await startSwiftReceiver(folder)
  onTestFinished(() => receiver.stop())
  through(receiver.port)
  const relay = await start()
  leaves('2026-11-27T06:00:00Z')
  await until('the relay is draining', async () => (await stateIn(relay)) === 'Draining')
  const session = await SmtpSession.connect(access)
  await until('clients are sent away', () => SmtpSession.connect(access).then(close, () => true), 30_000)
  await drained(relay)
  session.close()
}, 60_000)

const close = (session: SmtpSession): false => {
  session.close()
  return false
}
