/** A relay that is told to leave: new clients are sent away, mail goes on, and it says when there is none left (case S29). */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { makeCertificates } from '../certificates.ts'
import { freePort } from './free-port.ts'
import { startLoad } from './load.ts'
import { startSwiftReceiver } from './receiver.ts'
import { recordMessages } from './recorded-messages.ts'
import { accessTo, loadConfig, type Relay, startRelay, writeRelay } from './relay-process.ts'
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
    /** By this smarthost from now on; the process stays. */
    through: (smarthostPort: number) =>
      writeRelay(folder, loadConfig({ listenPort, smarthostPort, maxConnections: 1 }), certificates),
    leaves: (text: string) => writeFileSync(join(folder, 'config/drain'), text),
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
const drained = (relay: Relay) => until('it is drained', async () => (await stateIn(relay)) === 'Drained')

test('started as one that is to leave, it takes nothing, keeps what it has, and delivers it when it can', async () => {
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
  // It stays after all, and takes mail again.
  leaves('')
  await until('it stays', async () => (await stateIn(relay)) === undefined)
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
  // Who could not be reached was reported, and the report delivered, before it was empty.
  const returned = sent().filter(({ undeliverable }) => undeliverable.length > 0)
  expect(arrivals.filter(({ reversePath }) => reversePath === '')).toHaveLength(returned.length)
})

test('told while it runs, it takes clients for a while, and is drained when the last has left', async () => {
  const { access, folder, through, leaves, start } = await stage()
  const receiver = await startSwiftReceiver(folder)
  onTestFinished(() => receiver.stop())
  through(receiver.port)
  const relay = await start()
  leaves('2026-11-27T06:00:00Z')
  await until('it has noticed', async () => (await stateIn(relay)) === 'Draining')
  const session = await SmtpSession.connect(access)
  await until('clients are sent away', () => SmtpSession.connect(access).then(close, () => true), 30_000)
  await drained(relay)
  session.close()
}, 60_000)

const close = (session: SmtpSession): false => {
  session.close()
  return false
}
