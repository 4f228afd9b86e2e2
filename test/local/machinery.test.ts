/** The machinery of these suites works without a relay: the load reaches the receivers, and the checker of histories agrees. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { makeCertificates } from '../certificates.ts'
import { check } from './history.ts'
import { startLoad, type Told } from './load.ts'
import { type LoadMessage, loadMessage } from './load-message.ts'
import { installed } from './programs.ts'
import { bytesOf, seen, startReceiver, startSink } from './receiver.ts'
import { SmtpSession } from './smtp-session.ts'
import { until } from './until.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'relayfleet-machinery-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

function numbered(count: number, forwardPath = 'a@x.test'): () => LoadMessage | undefined {
  let n = 0
  return () => {
    n += 1
    if (n > count) return undefined
    return loadMessage({ id: `m${n}`, reversePath: 'app@corp.test', forwardPaths: [forwardPath] }, 4096)
  }
}

describe.runIf(installed('aiosmtpd'))('aiosmtpd', () => {
  test('notes every message that it has acknowledged, over TLS and with a login', async () => {
    const { ca, cert, key } = await makeCertificates(['127.0.0.1'])
    const tls = { cert: join(folder, 'cert.pem'), key: join(folder, 'key.pem') }
    writeFileSync(tls.cert, cert)
    writeFileSync(tls.key, key)
    const login = { username: 'up', password: 'stream' }
    const receiver = await startReceiver(folder, { tls, login })
    const told: Told<LoadMessage>[] = []
    const access = { host: '127.0.0.1', port: receiver.port, tls: 'StartTLS', ca, login } as const
    await startLoad({ access, sessions: 4, next: numbered(200), tell: (t) => told.push(t) }).done
    await receiver.stop()

    expect(told.map((t) => t.kind)).toEqual(Array(200).fill('acknowledged'))
    const sent = new Map(
      told.map(({ submission: s }) => [
        s.id,
        { digest: s.digest, acknowledged: true, deliverable: s.forwardPaths, undeliverable: [] },
      ]),
    )
    expect(check(sent, receiver.arrivals().map(seen))).toMatchObject({
      acknowledged: 200,
      delivered: 200,
      lost: [],
      damaged: [],
      duplicates: 0,
    })
    expect(receiver.arrivals()[0]).toMatchObject({ tls: true, login: 'up', bytes: 4096 })
  })

  test('answers by the local part of a recipient, and keeps the exact octets', async () => {
    const receiver = await startReceiver(folder)
    const session = await SmtpSession.open({ host: '127.0.0.1', port: receiver.port, tls: 'None' })
    const content = Buffer.from('Subject: dots\r\n\r\n..\r\n..a\r\n')
    const to = (path: string) => session.submit({ reversePath: 'a@b.test', forwardPaths: [path], content })
    expect((await to('550.x@y.test')).code).toBe(550)
    await session.command('RSET')
    expect((await to('451once.x@y.test')).code).toBe(451)
    await session.command('RSET')
    expect((await to('451once.x@y.test')).code).toBe(250)
    await session.quit()
    expect(receiver.arrivals().map(bytesOf)).toEqual(['Subject: dots\r\n\r\n.\r\n.a\r\n'])
    await receiver.stop()
  })

  test('is at the same port when it is started again', async () => {
    const receiver = await startReceiver(folder)
    const access = { host: '127.0.0.1', port: receiver.port, tls: 'None' } as const
    await receiver.stop()
    await expect(SmtpSession.open(access)).rejects.toThrow(/ECONNREFUSED/)
    await receiver.start()
    await startLoad({ access, sessions: 1, next: numbered(1), tell: () => undefined }).done
    expect(receiver.arrivals().length).toBe(1)
    await receiver.stop()
  })
})

describe.runIf(installed('smtp-sink'))('smtp-sink', () => {
  test('counts every message that it takes', async () => {
    const sink = await startSink()
    const access = { host: '127.0.0.1', port: sink.port, tls: 'None' } as const
    await startLoad({ access, sessions: 2, messagesPerConnection: 10, next: numbered(100), tell: () => undefined }).done
    await until('100 messages at the sink', () => sink.delivered() === 100)
    await sink.stop()
  })
})
