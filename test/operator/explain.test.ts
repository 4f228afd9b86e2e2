/** What `explain` says of a submission is what a relay with the same configuration answers to a real client, whatever is submitted. */
import { connect } from 'node:net'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { explanationJson } from '../../operator/cli/explanation.ts'
import { compile } from '../../operator/compile/compile.ts'
import { type Explanation, explain, type Step, saysSmtpUtf8 } from '../../operator/explain.ts'
import type { RelayConfig } from '../../relay/config.ts'
import { Signer } from '../../relay/delivery/signer.ts'
import { Keyrings } from '../../relay/keys/keyrings.ts'
import { replyLine } from '../../relay/mail/reply.ts'
import { SmtpSession } from '../local/smtp-session.ts'
import { MemorySpool } from '../relay/inbound/memory-spool.ts'
import {
  load,
  startSubmission,
  startTlsListener,
  tellingEvents,
  type UnderTest,
} from '../relay/inbound/submission-under-test.ts'
import { credential as aCredential, policy, sender } from '../relay/policy.ts'
import { fleets, password, type Submitted, snapshotOf, submissions } from './random-submissions.ts'

const numRuns = process.env['RELAYFLEET_LONG'] === '1' ? 20_000 : 400
const seed = Number(process.env['RELAYFLEET_SEED'] ?? 20_261_201)

const spool = new MemorySpool()
const { events } = tellingEvents()
let relay: UnderTest
beforeAll(async () => {
  relay = await startSubmission(spool)
})
afterAll(() => relay.submission.close(0))

/** What a stage came to: `rcpt ok`, or `rcpt` and the reply. */
type Outcome = `${Step['stage']} ${string}`

/** What is no address is refused by the grammar of the command or by that of the path: with the same codes, in two wordings. */
const outcome = (stage: Step['stage'], reply: string): Outcome =>
  `${stage} ${reply.replace(/^(\S+ \S+) .*(\(always\.syntax\))$/, '$1 $2')}`

async function answered({ client, ...mail }: Submitted, username: string): Promise<readonly Outcome[]> {
  const access = {
    host: '127.0.0.1',
    port: relay.port(),
    tls: 'StartTLS',
    ca: relay.ca,
    servername: 'localhost',
  } as const
  const session = new SmtpSession(connect({ ...access, localAddress: client }))
  const outcomes: Outcome[] = []
  const accepts = async (stage: Step['stage'], reply: ReturnType<SmtpSession['reply']>): Promise<boolean> => {
    const { code, text } = await reply
    const isGood = code < 400
    if (stage !== 'data' || code !== 354) outcomes.push(outcome(stage, isGood ? 'ok' : `${code} ${text}`))
    return isGood
  }
  const said = (line: string) => session.command(Buffer.from(line).toString('latin1'))
  const utf8 = saysSmtpUtf8(mail) ? ' SMTPUTF8' : ''
  try {
    if (!(await accepts('connect', session.reply()))) return outcomes
    await session.command('EHLO client.test')
    await session.startTls(access)
    if (!(await accepts('auth', session.login({ username, password })))) return outcomes
    if (!(await accepts('mail', said(`MAIL FROM:<${mail.reversePath}>${utf8}`)))) return outcomes
    let recipients = 0
    for (const path of mail.forwardPaths) if (await accepts('rcpt', said(`RCPT TO:<${path}>`))) recipients++
    if (recipients === 0 || !(await accepts('data', session.command('DATA')))) return outcomes
    session.write(Buffer.from(mail.message.toString('latin1').replaceAll(/(?<=^|\r\n)\./g, '..'), 'latin1'))
    await accepts('data', session.command('.'))
    return outcomes
  } finally {
    session.close()
  }
}

/** The stages as a client sees them: what explain tells of DATA in several steps has one reply. */
const explained = ({ steps }: Explanation): readonly Outcome[] =>
  steps
    .filter(({ stage }, i) => stage !== 'data' || i === steps.length - 1)
    .map(({ stage, refusal }) => outcome(stage, refusal === undefined ? 'ok' : replyLine(refusal.reply)))

/** What the relay keeps of the message: to whom it goes out, and whether it is held back. */
async function kept(config: RelayConfig) {
  const envelope = spool.kept.at(-1)?.message.envelope
  if (envelope === undefined) throw new Error('nothing was kept')
  if (envelope.disposition === 'capture') return { to: [], isHeld: false }
  const signer = new Signer({ events, now: Date.now, keyrings: new Keyrings() })
  signer.reload(await load(config))
  return { to: envelope.forwardPaths, isHeld: signer.begin(envelope).kind === 'held' }
}

/** What some of the submissions come to, whatever the seed: else nothing would be compared. */
const common = [
  ...['accepted', 'partly', 'held', 'suspended', 'recipients.allow', 'always.headers', 'always.syntax', 'throttles'],
  ...['senderRules.envelopeFrom', 'senderRules.headerFrom', 'senderRules.nullReversePath', 'credential.suspended'],
  ...['admission.limits.recipientsPerMessage', 'credential.limits.daily', 'credential.limits.rate'],
  'would be refused: data throttles',
]

test('explain says at each stage what the relay answers, what Audit would refuse, to whom the message goes and whether it waits', async () => {
  const seen = new Set<string>()
  let number = 0
  await fc.assert(
    fc.asyncProperty(fleets, submissions, async (fleet, submission) => {
      const compiled = compile(snapshotOf(fleet, ++number)).fleets.get('mail/shared')?.config
      const [credential] = compiled?.credentials ?? []
      if (compiled === undefined || credential === undefined) throw new Error('the fleet does not run')
      const listeners = compiled.listeners.map(({ bareNewlines }) => ({ ...startTlsListener, bareNewlines }))
      const config = { ...compiled, listeners }
      const explanation = explain(config, credential, { ...submission, now: Date.now() })

      await relay.apply(config)
      relay.told.length = 0
      expect(await answered(submission, credential.username)).toEqual(explained(explanation))
      seen.add(explanation.verdict)
      for (const { refusal } of explanation.steps) if (refusal !== undefined) seen.add(refusal.rule)
      if (explanation.verdict === 'refused') return

      const audited = relay.told
        .filter(({ msg }) => msg === 'would be refused')
        .map((t) => `${t['stage']} ${t['rule']}`)
      expect(explanation.steps.flatMap((s) => s.audited.map((a) => `${s.stage} ${a.rule}`))).toEqual(audited)
      const { to, isHeld } = await kept(config)
      expect(explanation.ways.map(({ forwardPath }) => forwardPath)).toEqual(to)
      expect(explanation.held !== undefined, explanation.held).toBe(isHeld)
      for (const rule of audited) seen.add(`would be refused: ${rule}`)
      if (isHeld) seen.add('held')
    }),
    { seed, numRuns },
  )
  expect([...seen]).toEqual(expect.arrayContaining(common))
}, 3_600_000)

const other = sender({ senderDomain: 'mail/other', domain: 'other.t' })
const app = aCredential({ senders: [sender(), other] })
const question = {
  ...{ reversePath: 'app@other.t', forwardPaths: ['you@elsewhere.example'], now: 0 },
  message: Buffer.from('From: <app@other.t>\r\n\r\n'),
}

test.each([
  ['Warn', undefined],
  ['Defer', expect.stringContaining('no key of SenderDomain mail/other signs yet')],
] as const)('of a domain without a key that signs, with whenBroken %s, it is told whether its mail waits', (whenBroken, held) => {
  const signing = [{ senderDomain: 'mail/other', domain: 'other.t', whenBroken, keys: [] }]
  const explanation = explain(policy({ credentials: [app], signing }), app, question)
  expect([explanation.verdict, explanation.held]).toEqual(['accepted', held])
})

test('of two domains of a credential that refuse their mail, the one of the From is named', () => {
  const broken = app.senders.map(({ senderDomain, domain }) => ({ senderDomain, domain, records: [`TXT ${domain}`] }))
  const brokenDomains = broken.map((one) => ({ ...one, action: 'Refuse' as const }))
  const config = policy({ credentials: [app], brokenDomains })
  const explanation = explain(config, app, question)
  const told = explanationJson({
    ...{ config, question, explanation },
    credential: app,
    directory: undefined,
    notes: [],
  })
  expect(told).toMatchObject({ rule: 'senderDomain.whenBroken', object: 'SenderDomain mail/other' })
})
