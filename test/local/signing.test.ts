/** Mail that a relay has signed verifies, also when it came through a second relay, by three verifiers (cases M30, M39, M41). */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { RelayConfig, RouteConfig } from '../../relay/config.ts'
import { makeCertificates } from '../certificates.ts'
import { ed25519Key, keyFiles, rsaKey, signingWith } from '../relay/delivery/signing-keys.ts'
import { openSmarthost, type Smarthost } from '../relay/delivery/smarthost.ts'
import { verifiers } from './dkim-verifiers.ts'
import { freePort } from './free-port.ts'
import { startLoad, type Told } from './load.ts'
import { mimeCorpus } from './mime-corpus.ts'
import { installed } from './programs.ts'
import { accessTo, loadConfig, login, type Relay, senderDomain, startRelay, writeRelay } from './relay-process.ts'
import type { Submission } from './smtp-session.ts'
import { until } from './until.ts'

const [seed, count] = [20_261_125, 220]
const keys = [rsaKey('r1'), ed25519Key('e1')]
const from = `app@${senderDomain}`
const stuffed = (content: Buffer): Buffer => Buffer.from(content.toString('latin1').replaceAll(/^\./gm, '..'), 'latin1')

describe.runIf(installed('opendkim', 'dkimpy'))('signed mail', () => {
  const folder = mkdtempSync(join(tmpdir(), 'relayfleet-signing-'))
  const relays: Relay[] = []
  let receiver: Smarthost
  /** The files of the messages that arrived, by the way that they took. */
  const arrived = { directly: [] as string[], 'through a second relay': [] as string[] }
  const corpus = mimeCorpus(from, count, seed)
  const told: Told<Submission>[] = []

  beforeAll(async () => {
    receiver = await openSmarthost({ offers: ['8BITMIME', 'SIZE', 'PIPELINING'] })
    const certificates = await makeCertificates(['127.0.0.1'])
    const [firstPort, secondPort] = [await freePort(), await freePort()]
    const second = loadConfig({ listenPort: secondPort, smarthostPort: receiver.port, maxConnections: 5 })
    const first = loadConfig({ listenPort: firstPort, smarthostPort: receiver.port, maxConnections: 5 })
    const start = async (name: string, config: RelayConfig, files: Readonly<Record<string, string>> = {}) => {
      const own = join(folder, name)
      for (const [path, text] of Object.entries(files)) {
        mkdirSync(dirname(join(own, 'config', path)), { recursive: true })
        writeFileSync(join(own, 'config', path), text)
      }
      writeRelay(own, config, certificates)
      relays.push(await startRelay(own))
    }
    await start('second', { ...second, hostname: 'second.test' })
    const signing = [signingWith(senderDomain, keys)]
    const files = { 'next/ca': certificates.ca, 'next/username': login.username, 'next/password': login.password }
    await start('first', { ...first, signing, routes: waysOf(first, secondPort) }, { ...files, ...keyFiles(keys) })

    let i = 0
    const next = (): Submission | undefined => {
      const content = corpus[i]
      const forwardPaths = [`m${i}@direct.test`, `m${i++}@relayed.test`]
      return content && { reversePath: from, forwardPaths, content: stuffed(content) }
    }
    await startLoad({ access: accessTo(firstPort, certificates), sessions: 4, next, tell: (t) => told.push(t) }).done
    expect(told.filter(({ kind }) => kind !== 'acknowledged')).toEqual([])
    await until('every message has arrived', () => receiver.received.length === 2 * told.length, 60_000)
    for (const { rcpt, content } of receiver.received) {
      const [, name = '', way = ''] = /<(\w+)@(\w+)/.exec(rcpt[0] ?? '') ?? []
      const file = join(folder, `${name}.${way}.eml`)
      writeFileSync(file, content)
      arrived[way === 'direct' ? 'directly' : 'through a second relay'].push(file)
    }
  }, 120_000)
  afterAll(async () => {
    await Promise.all(relays.map((relay) => relay.end('SIGTERM')))
    await receiver.stop()
    rmSync(folder, { recursive: true, force: true })
  })

  test(`all ${count} messages have arrived, each of them once by each way`, () => {
    expect(told).toHaveLength(count)
    for (const files of Object.values(arrived)) expect(new Set(files).size).toBe(count)
  })

  describe.each(['directly', 'through a second relay'] as const)('%s', (way) => {
    test.each(verifiers)('every signature is good for %s', async (_name, verify) => {
      const good = await verify({ files: arrived[way], domain: senderDomain, keys }, folder)
      expect(good).toHaveLength(count)
      const bad = arrived[way].filter((_, i) => good[i]?.join() !== 'r1,e1')
      expect(bad).toEqual([])
    })

    test.each(verifiers)('no signature of a message with a changed word is good for %s', async (_name, verify) => {
      const changed = join(folder, 'changed.eml')
      const file = arrived[way].find((f) => /\bwith\b/.test(bodyOf(f))) ?? ''
      writeFileSync(changed, readFileSync(file, 'latin1').replace(/\bwith\b(?![\s\S]*\bwith\b)/, 'without'), 'latin1')
      expect(await verify({ files: [changed], domain: senderDomain, keys }, folder)).toEqual([[]])
    })

    test('no message has a Bcc or Return-Path field, and each has one Date and one Message-ID field', () => {
      for (const file of arrived[way]) {
        const header = headerOf(file)
        expect(header).not.toMatch(/^(?:bcc|return-path):/im)
        for (const name of [/^date:/gim, /^message-id:/gim]) expect(header.match(name)).toHaveLength(1)
      }
    })
  })
})

/** One recipient goes to the receiver, the other through the second relay. */
function waysOf({ routes: [direct] }: RelayConfig, port: number): readonly RouteConfig[] {
  if (direct === undefined) return []
  const relayed = {
    ...direct,
    name: 'relayed',
    match: { senderDomains: [], recipientDomains: ['relayed.test'] },
    smarthosts: direct.smarthosts.map((smarthost) => ({
      ...smarthost,
      port,
      tls: { mode: 'StartTLS' as const, caFile: 'next/ca' },
      auth: { usernameFile: 'next/username', passwordFile: 'next/password' },
    })),
  }
  return [relayed, direct]
}

function split(file: string): readonly [header: string, body: string] {
  const content = readFileSync(file, 'latin1')
  const end = content.indexOf('\r\n\r\n')
  return end === -1 ? [content, ''] : [content.slice(0, end), content.slice(end)]
}
const headerOf = (file: string): string => split(file)[0]
const bodyOf = (file: string): string => split(file)[1]
