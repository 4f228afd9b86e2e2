/** Whatever a client says, in whatever pieces and order: each reply, line of the log and queued message is one that a model has, too. */
import { buffer } from 'node:stream/consumers'
import { setImmediate as turn } from 'node:timers/promises'
import fc from 'fast-check'
import { expect, onTestFinished, test } from 'vitest'
import type { RelayConfig } from '../../../relay/config.ts'
import { openSpool } from '../../../relay/spool/file-spool.ts'
import type { Spool } from '../../../relay/spool/spool.ts'
import { temporaryFolder } from '../../local/temporary.ts'
import { messagesOf } from '../spool/contents.ts'
import { SessionClient } from './session-client.ts'
import { type Content, content, messageBytes } from './session-contents.ts'
import * as said from './session-lines.ts'
import { isBeyondAscii, most, type Outcome, type Queued, SessionModel } from './session-model.ts'
import {
  baseConfig,
  implicitListener,
  startSubmission,
  startTlsListener,
  type Told,
  tellingEvents,
  type UnderTest,
} from './submission-under-test.ts'

const long = process.env['RELAYFLEET_LONG'] === '1'
const sessions = long ? 10_000 : 400
const seed = Number(process.env['RELAYFLEET_SEED'] ?? 20_261_201)
/** How long is waited for what takes milliseconds on a machine at rest. */
const patienceMs = 20_000
const allowedDomains = ['elsewhere.example', 'partner.example', 'xn--bcher-kva.example']

const config: RelayConfig = {
  ...baseConfig,
  listeners: [startTlsListener, { ...implicitListener, bareNewlines: 'Normalise' }],
  authFailures: { max: 1_000_000, perMs: 1000, lockoutMs: 1000 },
  limits: {
    ...baseConfig.limits,
    messageBytes,
    recipientsPerMessage: most.recipients,
    messagesPerConnection: most.messages,
  },
  senderRules: { ...baseConfig.senderRules, nullReversePath: 'AllowForCredential' },
  recipients: { mode: 'AllowList', domains: allowedDomains, addresses: [] },
}

/** What goes in one go. The content leads where the relay waits for one, and is left out where it does not. */
type Turn = { readonly content: Content; readonly lines: readonly said.Line[]; readonly cuts: readonly number[] }

/** These commands are the last of a group (RFC 2920 section 3.1), and what comes with them decides how they are answered (P18, T01). */
const endsGroup = ({ verb }: said.Line): boolean => verb === 'DATA' || verb === 'STARTTLS'
const inOrder = (lines: readonly said.Line[]): said.Line[] =>
  lines.filter((line, i) => !endsGroup(line) || i === lines.length - 1)
const group = fc.array(said.anyLine, { minLength: 2, maxLength: 5 })
const lines = fc.oneof(
  { weight: 25, arbitrary: said.transaction },
  { weight: 10, arbitrary: said.anyLine.map((one) => [one]) },
  { weight: 6, arbitrary: group.map(inOrder) },
  { weight: 3, arbitrary: fc.constantFrom([said.startTls], [said.ehlo], [said.loggedIn]) },
  { weight: 3, arbitrary: said.exchange },
  { weight: 1, arbitrary: said.guesses },
  { weight: 1, arbitrary: said.longLine.map((one) => [one]) },
  { weight: 1, arbitrary: group },
  { weight: 1, arbitrary: fc.tuple(said.transaction, said.anyLine).map(([some, one]) => [...some, one]) }, // P18
  { weight: 1, arbitrary: said.burst },
  {
    weight: 1,
    arbitrary: fc.tuple(fc.oneof(fc.constant([]), group), said.anyFault).map(([some, fault]) => [...some, fault]),
  },
)
const cuts = fc.oneof({ weight: 3, arbitrary: fc.constant([]) }, fc.array(fc.nat({ max: 5_000 }), { maxLength: 6 }))
const oneTurn: fc.Arbitrary<Turn> = fc.record({ content, lines, cuts })
/** What each has said when it begins to say anything, in groups; STARTTLS only where TLS is not there already. */
const beginnings = {
  none: [],
  greeted: [[said.ehlo]],
  injecting: [[said.ehlo], [said.startTls, said.ehlo]], // T01
  secured: [[said.ehlo], [said.startTls]],
  greetedAgain: [[said.ehlo], [said.startTls], [said.ehlo]],
  loggedIn: [[said.startTls], [said.ehlo], [said.loggedIn]],
} as const
const ends = ['by QUIT', 'with its last words', 'in silence', 'in the middle of a line', 'by a reset'] as const
const story = fc.record({
  isImplicit: fc.boolean(),
  beginning: fc.oneof(
    { weight: 2, arbitrary: fc.constantFrom('none' as const, 'greeted', 'injecting', 'secured') },
    { weight: 2, arbitrary: fc.constant('greetedAgain' as const) },
    { weight: 4, arbitrary: fc.constant('loggedIn' as const) },
  ),
  /** Where it begins with no more than a greeting under TLS, so that not all logins come by chance where they may come. */
  logins: fc.array(said.exchange, { minLength: 1, maxLength: 4 }),
  turns: fc.array(oneTurn, { minLength: 2, maxLength: 15, size: 'max' }),
  last: oneTurn,
  end: fc.constantFrom(...ends),
})
type Story = typeof story extends fc.Arbitrary<infer T> ? T : never

class Session {
  readonly model: SessionModel
  readonly #client: SessionClient

  constructor(client: SessionClient, isImplicit: boolean) {
    this.#client = client
    this.model = new SessionModel(isImplicit)
  }

  async say({ content, lines, cuts }: Turn, isLast = false): Promise<void> {
    const { model } = this
    if (model.hasEnded) return
    const mail = model.inContent ? model.mail : undefined
    const wire = `${mail ? stuffed(content.octets) : ''}${lines.map(({ text }) => `${text}\r\n`).join('')}`
    const isWhole = lines.slice(0, -1).some(endsGroup) || lines.some(({ isFault }) => isFault)
    await this.#client.send(wire, isWhole ? [] : cuts, isLast)
    if (mail) await this.#hear(model.verdicts(mail, content))
    const fault = lines.find((line, i) => model.isFault(line, i === 0))
    if (fault) return this.#hear(model.refusals(fault))
    for (const [i, line] of lines.entries()) {
      if (model.hasEnded) return
      const { tls } = model
      await this.#hear(model.answers(line, i === lines.length - 1))
      if (model.tls !== tls) await this.#client.secure()
    }
  }

  async #hear(outcomes: readonly Outcome[]): Promise<void> {
    const reply = await this.#client.reply()
    const final = reply.at(-1) ?? ''
    const outcome = outcomes.find(({ says }) => `${final}\r\n`.startsWith(says))
    if (!outcome) throw new Error(`said ${final}, and not ${outcomes.map(({ says }) => says.trimEnd()).join(' or ')}`)
    const offered = reply.slice(1).map((line) => line.slice(4))
    if (outcome.offers) expect(offered.toSorted()).toEqual(outcome.offers.toSorted())
    outcome.take(final)
  }

  async leave({ end, last }: Story): Promise<void> {
    if (!this.model.hasEnded) await this.#leave(end, last)
    this.model.left()
    expect(await this.#client.rest()).toBe('')
  }

  async #leave(end: Story['end'], last: Turn): Promise<void> {
    switch (end) {
      case 'by QUIT': // which is taken for an answer in a login
        for (let n = 0; n < 3; n++) await this.say({ ...last, lines: [said.quit] })
        return
      case 'with its last words':
        return this.say({ ...last, lines: last.lines.filter(({ verb }) => verb !== 'STARTTLS') }, true)
      case 'in the middle of a line':
        return this.#client.send('MAIL FROM:<noreply@', [], true)
      case 'in silence':
        return this.#client.finish()
      case 'by a reset':
        return this.#client.reset()
    }
  }
}

const stuffed = (octets: string): string => `${octets.replace(/(^|\r\n)\./g, '$1..')}.\r\n`

async function play(under: UnderTest, one: Story): Promise<SessionModel> {
  const port = under.port(one.isImplicit ? 'submissions' : 'submission')
  const client = await SessionClient.connect(port, under.ca, one.isImplicit)
  const session = new Session(client, one.isImplicit)
  try {
    expect((await client.reply()).at(-1)).toMatch(/^220 relay\.example\.org /)
    for (const lines of beginnings[one.beginning]) {
      if (lines[0] !== said.startTls || !one.isImplicit) await session.say({ ...one.last, lines, cuts: [] })
    }
    const logins = one.beginning === 'greetedAgain' ? one.logins : []
    for (const lines of logins) await session.say({ ...one.last, lines, cuts: [] })
    for (const next of one.turns) await session.say(next)
    await session.leave(one)
    return session.model
  } catch (error) {
    throw new Error(`${client.transcript.join('\n')}\n${(error as Error).message}`)
  } finally {
    client.destroy()
  }
}

/** The last line of the log about a session comes when its connection is gone. */
async function quiet({ submission }: UnderTest): Promise<void> {
  const end = performance.now() + patienceMs
  while (submission.sessions > 0 && performance.now() < end) await turn()
  expect(submission.sessions).toBe(0)
}

function shown({ msg, code, status, text, queueId }: Told): string {
  if (msg === 'refused') return `refused ${code} ${status} ${text}`
  return msg === 'accepted' ? `accepted ${queueId}` : msg
}

function expectTold(told: readonly Told[], log: readonly string[]): void {
  const begins = told.map(shown).map((line, i) => (line.startsWith(log[i] ?? 'nothing') ? log[i] : line))
  expect(begins).toEqual(log)
}

const anyDate = /\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d \+0000/g
const utf8 = (octets: string): string => Buffer.from(octets, 'latin1').toString()

async function expectKept(spool: Spool, q: Queued): Promise<void> {
  const handle = spool.handleOf(q.queueId)
  const message = handle === undefined ? undefined : await spool.load(handle)
  const content = await buffer(spool.content(q.queueId))
  expect(message?.envelope).toEqual({
    queueId: q.queueId,
    acceptedAt: expect.any(Number),
    credential: 'apps/app',
    reversePath: utf8(q.reversePath),
    forwardPaths: q.forwardPaths.map(utf8),
    disposition: 'relay',
    fromDomain: 'corp.example',
    signingDomain: 'corp.example',
    client: { address: '127.0.0.1', helo: q.helo, tls: 'TLSv1.3' },
    body: q.body,
    smtpUtf8: q.smtpUtf8,
    bytes: content.length,
    ...(q.wishes !== undefined && { wishes: q.wishes }),
  })
  expect(content.toString('latin1').replace(anyDate, 'DATE')).toBe(asKept(q))
}

/** What the spool has of a content: our Received first (RFC 5321 section 4.4), then what was lacking (RFC 6409 section 8), then the rest. */
function asKept({ queueId, helo, smtpUtf8, forwardPaths, kept }: Queued): string {
  const from = helo === 'no_domain' ? '[127.0.0.1]' : helo
  const by = `relay.example.org with ${smtpUtf8 ? 'UTF8SMTPSA' : 'ESMTPSA'} (TLSv1.3) id ${queueId}` // RFC 3848, RFC 6531
  const [only = ''] = forwardPaths.length === 1 ? forwardPaths : []
  const recipient = only === '' || isBeyondAscii(only) ? '' : `\r\n\tfor <${only}>`
  const received = `Received: from ${from} ([127.0.0.1])\r\n\tby ${by}${recipient}; DATE\r\n`
  const date = /^Date:/m.test(kept) ? '' : 'Date: DATE\r\n'
  const messageId = /^Message-ID:/m.test(kept) ? '' : `Message-ID: <${queueId}@relay.example.org>\r\n`
  return `${received}${date}${messageId}${kept.replace(anyDate, 'DATE')}`
}

/** Each line of the log has its count, and no other has one. */
async function expectCounted({ metrics }: UnderTest, log: readonly string[]): Promise<void> {
  const text = await metrics.registry.metrics()
  const sum = (series: RegExp): number =>
    text.split('\n').reduce((all, line) => all + (series.test(line) ? Number(line.split(' ').at(-1)) : 0), 0)
  const count = (line: RegExp): number => log.filter((one) => line.test(one)).length
  expect(sum(/^relayfleet_smtpd_connections_total/)).toBe(count(/^connected$/))
  expect(sum(/^relayfleet_smtpd_messages_total\{result="accepted"/)).toBe(count(/^accepted/))
  expect(sum(/^relayfleet_smtpd_auth_total.*result="success"/)).toBe(count(/^authenticated$/))
  expect(sum(/^relayfleet_smtpd_auth_total.*result="failure"/)).toBe(count(/^authentication failed$/))
  expect(sum(/^relayfleet_smtpd_refusals_total/)).toBe(count(/^refused|^authentication failed$/))
}

test(`in ${sessions} random sessions each reply, line of the log and queued message is what a model has that was made from the standards (cases P13, P26, P27, P32, P35, P36, P38, A02, A04, A05, A08, T03 and T04)`, {
  timeout: 3_600_000,
}, async () => {
  const directory = temporaryFolder()
  const spool = await openSpool({ directory, events: tellingEvents().events })
  const under = await startSubmission(spool, config)
  const log: string[] = []
  const holds = fc.asyncProperty(story, async (one) => {
    await quiet(under)
    under.told.length = 0
    const before = spool.size
    const model = await play(under, one)
    await quiet(under)
    expectTold(under.told, model.log)
    expect(spool.size - before).toBe(model.queued.length)
    for (const queued of model.queued) await expectKept(spool, queued)
    log.push('connected', ...model.log)
  })
  try {
    await fc.assert(holds, { seed, numRuns: sessions })
    await expectCounted(under, log)
  } finally {
    await under.submission.close(0)
    await spool.close()
  }
  const reopened = await openSpool({ directory, events: tellingEvents().events })
  onTestFinished(() => reopened.close())
  const kept = (await messagesOf(reopened)).map(({ envelope }) => `accepted ${envelope.queueId}`)
  expect(kept).toEqual(log.filter((line) => line.startsWith('accepted')))
})
