/** Mail is delivered to the MX of its recipients, in a network of its own with YAML, a submission, BIND, port 25 and aiosmtpd. */
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { kubectlYaml } from '../../crds/kubectl-yaml.ts'
import { makeCertificates } from '../certificates.ts'
import { cli } from '../shipped.ts'
import { credential, domain, policy } from './documents.ts'
import { startNamed } from './named.ts'
import { mayUnshare, type Network, openNetwork, run } from './network.ts'
import { installed } from './programs.ts'
import { readReport } from './read-report.ts'
import { type Arrival, end, type Receiver, startReceiver } from './receiver.ts'
import { until } from './until.ts'

const resolver = '198.51.100.53'

const records = [
  ...['corp.test. MX 10 mx.corp.test.', 'mx.corp.test. A 192.0.2.5'],
  '*.corp.test. MX 10 mx.corp.test.',
  ...['plain.test. MX 10 mx.plain.test.', 'mx.plain.test. A 192.0.2.10'],
  ...['secure.test. MX 10 mx.secure.test.', 'mx.secure.test. A 192.0.2.20'],
  'implicit.test. A 192.0.2.10',
  ...['second.test. MX 10 down.second.test.', 'second.test. MX 20 mx.plain.test.', 'down.second.test. A 192.0.2.99'],
  ...Array.from({ length: 200 }, (_, n) => [
    `many.test. MX ${n} m${n}.many.test.`,
    `m${n}.many.test. A 192.0.2.10`,
  ]).flat(),
  'null.test. MX 0 .',
  'nowhere.test. MX 10 gone.test.',
  ...['round.test. MX 10 relay.corp.test.', 'round.test. MX 20 mx.plain.test.'],
  ...['loop.test. CNAME loop2.test.', 'loop2.test. CNAME loop.test.'],
  ...['inside1.test. MX 1 h1.test.', 'h1.test. A 127.0.0.1'],
  ...['inside2.test. MX 1 h2.test.', 'h2.test. A 169.254.169.254'],
  ...['inside3.test. MX 1 h3.test.', 'h3.test. A 10.96.0.1'],
]

/** What becomes of the message to `someone@<domain>`, by domain; what `waits` is deferred. */
const fates = {
  'plain.test': 'delivered 250',
  'secure.test': 'delivered 250',
  'implicit.test': 'delivered 250',
  'second.test': 'delivered 250',
  'many.test': 'delivered 250',
  'null.test': 'bounced 556 5.1.10',
  'gone.test': 'bounced 550 5.1.2',
  'nowhere.test': 'bounced 550 5.1.2',
  'round.test': 'bounced 554 5.4.6',
  'loop.test': 'waits',
  'broken.test': 'waits',
  'inside1.test': 'waits',
  'inside2.test': 'waits',
  'inside3.test': 'waits',
} as const

/** The recipients in a DSN and their statuses, as Python's own parser reads them. */
function failures(dsn: Arrival): readonly string[] {
  const { defects, blocks } = readReport(dsn)
  expect(defects).toEqual([])
  return blocks.slice(1).map((block) => `${block['Final-Recipient']} ${block['Status']}`)
}

/** A server at port 25 of every address on the relay's side, where nobody may connect; it notes each connection in its file. */
const trap = `
const { appendFileSync } = require('node:fs')
require('node:net').createServer((s) => { appendFileSync(process.argv[1], 'connection\\n'); s.destroy() })
  .listen(25, '0.0.0.0', () => console.log('listening'))
`

describe.runIf(installed('aiosmtpd', 'named', 'ip') && mayUnshare())('a route of type MX, end to end', () => {
  const folder = mkdtempSync(join(tmpdir(), 'relayfleet-direct-'))
  const state = join(folder, 'state')
  let network: Network
  let named: Awaited<ReturnType<typeof startNamed>>
  const receivers = {} as Record<'corp' | 'plain' | 'secure', Receiver>
  const children: ChildProcess[] = []
  const from = 'app@corp.test'

  const here = (...command: readonly string[]): ChildProcess => {
    const [program = '', ...before] = network.here
    const out = openSync(join(folder, `${children.length}.log`), 'a')
    const child = spawn(program, [...before, ...command], { stdio: ['ignore', out, out] })
    children.push(child)
    return child
  }
  const relayfleet = (...command: readonly string[]): ChildProcess => here(process.execPath, cli, ...command)
  const log = (): Record<string, unknown>[] => {
    const file = join(state, 'mail/fleets/shared/relay.log')
    // The relay gathers log lines for a moment, so it may be ready before its first line is written. The last one may lack its end.
    const lines = existsSync(file) ? readFileSync(file, 'utf8').split('\n').slice(0, -1) : []
    return lines.map((line) => JSON.parse(line))
  }
  const about = (msg: string, forwardPath: string) =>
    log().filter((line) => line['msg'] === msg && line['forwardPath'] === forwardPath)
  const fateOf = (to: string): string | undefined => {
    const [bounced] = about('bounced', to)
    const delivered = about('delivery attempted', to).find((line) => line['outcome'] === 'delivered')
    if (bounced !== undefined) return `bounced ${String(bounced['reply']).split(' ').slice(0, 2).join(' ')}`
    if (delivered !== undefined) return `delivered ${delivered['code']}`
    return about('deferred', to).length > 0 ? 'waits' : undefined
  }

  beforeAll(async () => {
    network = await openNetwork(folder, {
      inside: ['169.254.169.254/32', '10.96.0.1/32'],
      outside: [resolver, '192.0.2.5', '192.0.2.10', '192.0.2.20', '192.0.2.99'],
      resolver,
      // As in a pod: if the relay obeyed the search list, each domain that does not exist would be found below corp.test.
      resolverOptions: 'search corp.test\noptions ndots:5',
    })
    const zones = { test: records, 'broken.test': undefined, 'mended.test': undefined }
    named = await startNamed(join(folder, 'named'), { side: network.world, address: resolver, zones })
    const { cert, key } = await makeCertificates(['somebody.else'])
    const [certFile, keyFile] = [join(folder, 'cert.pem'), join(folder, 'key.pem')]
    writeFileSync(certFile, cert)
    writeFileSync(keyFile, key)
    for (const [name, host] of [
      ['corp', '192.0.2.5'],
      ['plain', '192.0.2.10'],
      ['secure', '192.0.2.20'],
    ] as const) {
      const own = join(folder, name)
      mkdirSync(own)
      const tls = name === 'secure' ? { tls: { cert: certFile, key: keyFile } } : {}
      receivers[name] = await startReceiver(own, { host, port: 25, side: network.world, ...tls })
    }
    const yaml = join(folder, 'yaml')
    mkdirSync(yaml)
    const routes = [{ name: 'world', type: 'MX', retry: { schedule: ['1s'], expireAfter: '1h' } }]
    const objects = [
      await policy({ hostname: 'relay.corp.test', routes }),
      domain('corp', { domain: 'corp.test' }),
      credential('app'),
    ]
    writeFileSync(join(yaml, 'all.yaml'), objects.map(kubectlYaml).join('---\n'))
    writeFileSync(join(folder, 'trapped'), '')
    here(process.execPath, '-e', trap, join(folder, 'trapped'))
    relayfleet('local', yaml, '--state', state)
    const isProgrammed = (): boolean => {
      try {
        const statuses = parse(readFileSync(join(state, 'status.yaml'), 'utf8'))
        return ['RelayPolicy mail/shared', 'RelayCredential mail/app'].every((object) =>
          statuses[object].conditions.some(
            (c: { type: string; status: string }) => c.type === 'Programmed' && c.status === 'True',
          ),
        )
      } catch {
        return false
      }
    }
    await until('the fleet is programmed', isProgrammed, 30_000)
    const to = Object.keys(fates).flatMap((name) => ['--to', `someone@${name}`])
    relayfleet('send-test', '--state', state, '--credential', 'mail/app', '--from', from, ...to)
    await until(
      'every recipient has a fate',
      () => Object.keys(fates).every((name) => fateOf(`someone@${name}`)),
      45_000,
    )
  }, 120_000)
  afterAll(async () => {
    await Promise.all(children.map((child) => end(child)))
    await Promise.all([...Object.values(receivers), named].map((one) => one?.stop()))
    await network?.close()
    rmSync(folder, { recursive: true, force: true })
  })

  test.each(Object.entries(fates))('what becomes of mail to somebody at %s: %s', (name, fate) => {
    expect(fateOf(`someone@${name}`)).toBe(fate)
  })

  test('each delivered message arrives once, with TLS where STARTTLS is offered, whatever the certificate, and without a login', () => {
    const arrived = Object.values(receivers).flatMap((receiver) => receiver.arrivals())
    const isOfFates = ({ forwardPaths: [to = ''] }: Arrival): boolean => to.replace('someone@', '') in fates
    const mail = arrived.filter((arrival) => arrival.reversePath === from && isOfFates(arrival))
    expect(mail.flatMap(({ forwardPaths }) => forwardPaths).toSorted()).toEqual(
      Object.entries(fates)
        .filter(([, fate]) => fate.startsWith('delivered'))
        .map(([name]) => `someone@${name}`)
        .toSorted(),
    )
    const tlsAt = Object.fromEntries(mail.map(({ forwardPaths, tls, login }) => [forwardPaths[0], [tls, login]]))
    expect(tlsAt['someone@secure.test']).toEqual([true, null])
    expect(tlsAt['someone@plain.test']).toEqual([false, null])
  })

  test('mail to a domain whose MX has an address inside the cluster is deferred, and nothing connects there (case C10)', () => {
    for (const name of ['inside1.test', 'inside2.test', 'inside3.test']) {
      expect(about('delivery attempted', `someone@${name}`)).toEqual([])
    }
    expect(readFileSync(join(folder, 'trapped'), 'utf8')).toBe('')
    // The trap would have noted a connection: it notes this one.
    run(
      network.here,
      process.execPath,
      '-e',
      "require('node:net').connect(25, '169.254.169.254').on('close', () => {})",
    )
    expect(readFileSync(join(folder, 'trapped'), 'utf8')).toBe('connection\n')
  })

  test('each recipient that bounced is in one DSN to the reverse-path, which goes by the same route', async () => {
    const told = (): readonly string[] =>
      receivers.corp
        .arrivals()
        .filter(({ reversePath }) => reversePath === '')
        .flatMap(failures)
        .toSorted()
    await until('four recipients are reported', () => told().length >= 4)
    expect(told()).toEqual([
      'rfc822; someone@gone.test 5.1.2',
      'rfc822; someone@nowhere.test 5.1.2',
      'rfc822; someone@null.test 5.1.10',
      'rfc822; someone@round.test 5.4.6',
    ])
  })

  test('mail that waits since its domain is answered with SERVFAIL is delivered when there is an answer', async () => {
    const to = 'someone@mended.test'
    relayfleet('send-test', '--state', state, '--credential', 'mail/app', '--from', from, '--to', to)
    await until('the message waits', () => fateOf(to) === 'waits', 30_000)
    named.reload('mended.test', ['@ MX 10 mx.plain.test.'])
    await until('the message is delivered', () => fateOf(to) === 'delivered 250', 30_000)
  })

  test('metrics name every exchanger mx, and no domain of a recipient', () => {
    const { http } = JSON.parse(readFileSync(join(state, 'mail/fleets/shared/endpoints.json'), 'utf8'))
    const get = `fetch('http://127.0.0.1:${http.port}/metrics').then((r) => r.text()).then(console.log)`
    const metrics = run(network.here, process.execPath, '-e', get)
    expect(metrics).toMatch(
      /delivery_attempts_total\{route="world",smarthost="mx",provider="other",result="delivered",class="2",policy="mail\/shared"\} \d/,
    )
    expect(metrics).not.toContain('.test"')
  })
})
