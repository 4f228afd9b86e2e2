/** Mail is signed as the domain of its From, by the keys that are in force when it leaves (cases M39 and M41). */
import { expect, test } from 'vitest'
import type { RelayConfig, RouteConfig, SigningConfig } from '../../../relay/config.ts'
import type { Envelope } from '../../../relay/mail/envelope.ts'
import { until } from '../../local/until.ts'
import { type Script, say, silence } from './behaviour.ts'
import { rig } from './rig.ts'
import { contentOf, envelope, hello, route, smarthost as smarthostAt } from './samples.ts'
import { ed25519Key, keyFiles, rsaKey, signingWith, type TestKey, verdicts } from './signing-keys.ts'
import { type Options, startSmarthost } from './smarthost.ts'

const domain = 'corp.test'
const [rsa, ed25519] = [rsaKey('r1'), ed25519Key('e1')]
const both = [rsa, ed25519]
const mine: Partial<Envelope> = { signingDomain: domain }

type Given = {
  readonly keys?: readonly TestKey[]
  readonly signing?: Partial<SigningConfig>
  readonly files?: Readonly<Record<string, string>>
  readonly upstream?: Options
  readonly now?: () => number
  readonly route?: Partial<RouteConfig>
}

async function started(given: Given = {}) {
  const { keys = both, signing = {}, files = keyFiles(keys), upstream, route: over = {}, ...parts } = given
  const smarthost = await startSmarthost(upstream)
  const config: Partial<RelayConfig> = { signing: [signingWith(domain, keys, signing)] }
  const routes = [route('default', [smarthostAt('a', smarthost.port)], over)]
  const bench = rig(routes, { config, files, ...parts })
  return {
    ...bench,
    smarthost,
    async send(content = hello, rest: Partial<Envelope> = mine) {
      const message = envelope(content, rest)
      bench.spool.put(message, content)
      await bench.settled(message)
      await bench.quiet()
      const isOwn = ([queueId]: readonly unknown[]): boolean => queueId === message.queueId
      return {
        message,
        received: smarthost.received.at(-1),
        outcome: bench.attempts.find((a) => a.queueId === message.queueId)?.outcome,
        /** Why it is kept; that it was not attempted then, `outcome` says. */
        kept: bench.facts('deferred').find(isOwn)?.[3],
      }
    },
    reloadWith: (next: Partial<SigningConfig>, nextFiles = files, rest: Partial<RelayConfig> = {}) =>
      bench.reload(routes, { signing: [signingWith(domain, keys, next)], ...rest }, nextFiles),
  }
}

/** The tags of each DKIM-Signature, unfolded. */
const signatures = (message: Buffer): readonly Readonly<Record<string, string>>[] =>
  [...message.toString('latin1').matchAll(/^DKIM-Signature: ((?:[^\r]|\r\n[ \t])*)\r\n/gm)].map(([, value = '']) =>
    Object.fromEntries(value.split(';').map((tag) => tag.replaceAll(/\s/g, '').split(/=(.*)/s, 2))),
  )

test('case M39: two signatures that verify are added: they cover From once more than it is there, have no l=, and expire', async () => {
  const now = Date.now()
  const { send } = await started({ now: () => now })
  const { received } = await send()
  const message = received?.content ?? Buffer.alloc(0)
  expect(await verdicts(message, domain, both)).toEqual(['r1 rsa-sha256 pass', 'e1 ed25519-sha256 pass'])
  const t = Math.floor(now / 1000)
  const common = { v: '1', c: 'relaxed/relaxed', d: domain, t: `${t}`, x: `${t + 7 * 86_400}` }
  expect(signatures(message)).toMatchObject([
    { ...common, a: 'rsa-sha256', s: 'r1' },
    { ...common, a: 'ed25519-sha256', s: 'e1' },
  ])
  for (const { h = '', l, i } of signatures(message)) {
    const names = h.split(':')
    expect(names.filter((name) => name === 'from')).toHaveLength(2)
    for (const once of ['to', 'cc', 'reply-to', 'date', 'content-type']) expect(names).toContain(once)
    expect([l, i]).toEqual([undefined, undefined])
  }
})

test.each([
  ['From', 'From: <ceo@corp.test>\r\n'],
  ['Subject', 'Subject: another\r\n'],
  ['Date', 'Date: Mon, 05 Jan 2026 10:00:00 +0000\r\n'],
  ['To', 'To: <other@example.net>\r\n'],
  ['Reply-To', 'Reply-To: <other@example.net>\r\n'],
  ['Content-Type', 'Content-Type: text/html\r\n'],
])('case M39: a %s field that is added later breaks both signatures', async (_name, field) => {
  const { send } = await started()
  const { received } = await send()
  const message = received?.content.toString('latin1') ?? ''
  for (const forged of [field + message, message.replace('\r\n\r\n', `\r\n${field}\r\n`)])
    expect(await verdicts(Buffer.from(forged, 'latin1'), domain, both)).toEqual([
      'r1 rsa-sha256 fail',
      'e1 ed25519-sha256 fail',
    ])
})

test('the content behind the signatures is unchanged, they stand in short lines, and SIZE counts them', async () => {
  const { send } = await started()
  const { received } = await send()
  const message = received?.content ?? Buffer.alloc(0)
  expect(message.subarray(-hello.length)).toEqual(hello)
  expect(received?.mail).toContain(` SIZE=${message.length}`)
  const lines = message.subarray(0, -hello.length).toString('latin1').split('\r\n')
  expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(78)
  expect(lines.filter((line) => !/^(?:DKIM-Signature:|[ \t]+\S|$)/.test(line))).toEqual([])
})

test.each([
  65_000, 140_000, 700_000,
])('a content of %i octets is signed, in one piece or as it streams', async (octets) => {
  const { send } = await started()
  const content = contentOf(octets)
  const { received } = await send(content)
  expect(received?.content.subarray(-content.length).equals(content)).toBe(true)
  expect(await verdicts(received?.content ?? Buffer.alloc(0), domain, both)).toEqual([
    'r1 rsa-sha256 pass',
    'e1 ed25519-sha256 pass',
  ])
})

test('one key makes one signature', async () => {
  const { send } = await started({ keys: [rsa] })
  const { received } = await send()
  expect(signatures(received?.content ?? Buffer.alloc(0)).map(({ s }) => s)).toEqual(['r1'])
})

test.each([
  ['whose From is not of a sender domain of its credential', {}],
  ['of a domain that nothing signs for', { signingDomain: 'other.test' }],
  ['of a subdomain of the domain that is signed', { signingDomain: 'sub.corp.test' }],
])('a message %s is delivered unsigned and unchanged', async (_name, rest) => {
  const { send, facts } = await started()
  const { received } = await send(hello, rest)
  expect(received?.content).toEqual(hello)
  expect(facts('unsigned')).toEqual([])
})

test('mail that waits is signed by the key that is in force when it leaves', async () => {
  const next = rsaKey('r2')
  const refusing: Script = { MAIL: (time) => (time === 0 ? say('451 4.3.2 later') : undefined) }
  const { spool, attempted, reloadWith, smarthost, quiet } = await started({
    keys: [rsa],
    upstream: { script: refusing },
    route: { retry: { scheduleMs: [300], expireAfterMs: 86_400_000 } },
  })
  spool.put(envelope(hello, mine), hello)
  await attempted(1)
  reloadWith({ keys: [next.config] }, keyFiles([next]))
  await attempted(2)
  await quiet()
  expect(smarthost.received.flatMap(({ content }) => signatures(content).map(({ s }) => s))).toEqual(['r2'])
})

const soon: Partial<RouteConfig> = { retry: { scheduleMs: [300], expireAfterMs: 86_400_000 } }

test('case M39: when a key is replaced under its name, all mail that waits leaves with one signature, which is of the new one, and its content as it was', async () => {
  const renewed = rsaKey('r1')
  const { spool, attempted, reloadWith, smarthost, delivery } = await started({
    keys: [rsa],
    upstream: { script: { dot: say('451 4.3.0 later') } },
    route: soon,
  })
  const contents = Array.from({ length: 100 }, (_, n) =>
    Buffer.from(`From: <app@corp.test>\r\nSubject: ${n}\r\n\r\nhello ${n}\r\n`),
  )
  for (const content of contents) spool.put(envelope(content, mine), content)
  await attempted(contents.length)
  // So that nothing that the former key has signed is on its way.
  reloadWith({}, keyFiles([rsa]), { suspended: true })
  await until('nothing is on its way', () => delivery.summary().inFlight === 0)
  delete smarthost.script.dot
  reloadWith({}, keyFiles([renewed]))
  await until('all have left', () => spool.stored.size === 0)
  const left = smarthost.received.map(({ content }) => content)
  const isOf = (content: Buffer) => (one: Buffer) => one.subarray(-content.length).equals(content)
  expect(contents.filter((content) => left.filter(isOf(content)).length !== 1)).toEqual([])
  for (const message of left) expect(await verdicts(message, domain, [renewed])).toEqual(['r1 rsa-sha256 pass'])
})

test('a key of another kind under the same name signs when it is there: until then the one of before does not pass for it', async () => {
  const next = ed25519Key('r1')
  const { send, spool, reloadWith, smarthost } = await started({ keys: [rsa], route: soon })
  await send()
  const keys = [next.config]
  reloadWith({ keys, whenBroken: 'Defer' })
  const { kept } = await send()
  expect(kept).toContain('key r1 can not be used: it is of type rsa where ed25519-sha256 needs ed25519')
  reloadWith({ keys, whenBroken: 'Defer' }, keyFiles([next]))
  await until('it has left', () => spool.stored.size === 0)
  const signed = smarthost.received.map(({ content }) => verdicts(content, domain, [next]))
  expect(await Promise.all(signed)).toEqual([['r1 rsa-sha256 neutral'], ['r1 ed25519-sha256 pass']])
})

test('mail of a domain whose records are broken waits until they are mended, and other mail does not', async () => {
  const brokenDomains = [{ senderDomain: 'mail/corp', domain, action: 'Defer', records: ['TXT corp.test'] }] as const
  const smarthost = await startSmarthost()
  const routes = [
    route('default', [smarthostAt('a', smarthost.port)], { retry: { scheduleMs: [300], expireAfterMs: 86_400_000 } }),
  ]
  const { spool, settled, attempts, quiet, reload, told, facts } = rig(routes, { config: { brokenDomains } })
  await settled(spool.put(envelope(hello, mine), hello).envelope)
  expect(facts('deferred')[0]?.[3]).toMatch(
    /^451 4\.7\.5 .*the DNS records of corp\.test are broken \(TXT corp\.test\)/,
  )
  expect(attempts).toEqual([])
  expect(told.filter(({ fact }) => fact === 'unverifiable')).toHaveLength(1)
  spool.put(envelope(hello, { signingDomain: 'other.test' }), hello)
  await until('the other one is delivered', () => smarthost.received.length === 1)
  reload(routes, {})
  await until('the message of the broken domain is delivered, too', () => smarthost.received.length === 2)
  await quiet()
})

const damaged = [
  ['a file that is not there', {}, 'its file is not there, or not readable'],
  ['a file that is no key', { 'dkim/r1.pem': 'garbage' }, 'it is no private key in PEM'],
  ['a key of another type', { 'dkim/r1.pem': ed25519.pem }, 'it is of type ed25519 where rsa-sha256 needs rsa'],
  ['a key too short', { 'dkim/r1.pem': rsaKey('r1', 512).pem }, 'it has 512 bits where 1024 to 4096 are of use'],
] as const

test.each(
  damaged,
)('with %s mail is deferred where its domain asks for that (whenBroken Defer), and the problem is reported', async (_name, files, problem) => {
  const { send, facts, delivery, spool } = await started({ keys: [rsa], signing: { whenBroken: 'Defer' }, files })
  const { message, received, outcome, kept } = await send()
  expect(received).toBeUndefined()
  expect(outcome).toBeUndefined()
  expect(kept).toBe(`451 4.7.5 mail of corp.test leaves only signed: key r1 can not be used: ${problem}`)
  expect(delivery.smarthosts()).toMatchObject([{ health: 'unproven' }])
  expect(spool.stored.has(message.queueId)).toBe(true)
  const key = { domain, selector: 'r1', problem }
  expect(facts('unsigned')).toEqual([[message.queueId, key, true]])
  expect(delivery.signing()).toEqual({ broken: [key], leaving: [] })
})

test('case S25: mail that was held until its time was over is returned without a smarthost that nobody asked', async () => {
  const hour = 3_600_000
  const retry = { scheduleMs: [hour], expireAfterMs: hour }
  const { send, smarthost } = await started({
    keys: [rsa],
    signing: { whenBroken: 'Defer' },
    files: {},
    route: { retry },
  })
  await send(hello, { ...mine, acceptedAt: Date.now() - hour - 60_000 })
  await until('the report is delivered', () => smarthost.received.length === 1)
  const report = String(smarthost.received[0]?.content)
  expect(report).toContain('Its time was over while no attempt could be made:\r\n    451 4.7.5 mail of corp.test ')
  expect(report).toContain('\r\nDiagnostic-Code: X-Relayfleet; 451 4.7.5 mail of corp.test ')
  expect(report).not.toMatch(/Remote-MTA|Last-Attempt-Date|smarthost/)
})

test('where its domain asks for no more than a warning, mail is signed by the keys that can be used, and the problem is reported', async () => {
  const { send, facts } = await started({ files: keyFiles([ed25519]) })
  const { message, received } = await send()
  expect(await verdicts(received?.content ?? Buffer.alloc(0), domain, both)).toEqual(['e1 ed25519-sha256 pass'])
  expect(facts('unsigned')).toEqual([
    [message.queueId, { domain, selector: 'r1', problem: 'its file is not there, or not readable' }, false],
  ])
})

test.each([
  ['Warn', 1],
  ['Defer', 0],
  ['Refuse', 0],
] as const)('mail of a domain without a key, with whenBroken %s: %i messages arrive', async (whenBroken, arrived) => {
  const { send, smarthost, delivery } = await started({ keys: [], signing: { whenBroken } })
  await send()
  expect(smarthost.received.map(({ content }) => content)).toEqual(Array(arrived).fill(hello))
  expect(delivery.signing().broken).toEqual([{ domain, selector: '', problem: 'there is no key' }])
})

test('a key signs until its time is over', async () => {
  const end = Date.now()
  let now = end
  const config = { ...rsa.config, notAfter: end }
  const { send } = await started({ keys: [{ ...rsa, config }], signing: { whenBroken: 'Defer' }, now: () => now })
  expect((await send()).outcome).toMatchObject({ kind: 'delivered' })
  now = end + 1
  expect((await send()).kept).toContain('key r1 can not be used: its time is over')
})

test.each([
  ['a domain with a line end', 'corp.test\r\nBcc: x', 'r1'],
  ['a domain that is no A-label', 'CORP.test', 'r1'],
  ['a selector with a line end', domain, 'r1\r\nBcc: x'],
  ['a selector with a semicolon', domain, 'r1; d=other.test'],
  ['a selector with an underscore', domain, '_r1'],
])('%s never gets into a DKIM-Signature', async (_name, signed, selector) => {
  const config = { ...rsa.config, selector }
  const { send, smarthost } = await started({
    keys: [rsa],
    signing: { domain: signed, keys: [config], whenBroken: 'Defer' },
  })
  const { kept } = await send(hello, { signingDomain: signed })
  expect(kept).toMatch(/^451 4\.7\.5 /)
  expect(smarthost.received).toEqual([])
})

test('a key that the configuration no longer names is listed as leaving until the last attempt with it has ended', async () => {
  const { delivery, spool, smarthost, reloadWith, quiet } = await started({
    upstream: { script: { MAIL: silence } },
    keys: [rsa],
  })
  const message = envelope(hello, mine)
  spool.put(message, hello)
  await until('MAIL was sent', () => smarthost.times('MAIL') === 1)
  expect(delivery.signing().leaving).toEqual([])
  reloadWith({ keys: [] })
  expect(delivery.signing().leaving).toEqual([{ domain, selector: 'r1', attempts: 1 }])
  await delivery.close(0)
  await quiet()
  expect(delivery.signing().leaving).toEqual([])
})
