/** Text that a stranger chose stays within one line of JSON in the log, whichever fact quotes it, and makes no metric of its own. */
import { expect, test } from 'vitest'
import { createEvents } from '../../relay/events.ts'
import { protocol } from '../../relay/inbound/protocol.ts'
import { createLog } from '../../relay/log.ts'
import { type AddressEvidence, showAddress } from '../../relay/mail/evidence.ts'
import { refusal } from '../../relay/mail/rule.ts'
import { createMetrics } from '../../relay/metrics.ts'
import { atRest } from './at-rest.ts'

function telling(evidence: AddressEvidence = 'Clear') {
  let text = ''
  const output = {
    write: (line: string) => {
      text += line
    },
  }
  const metrics = createMetrics('mail/shared', () => atRest)
  const events = createEvents(createLog(output), metrics, () => evidence)
  /** The lines so far, each parsed. */
  const told = (): readonly object[] =>
    text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as object)
  return { events, metrics, text: () => text, told }
}
const session = { session: 's', listener: 'submission', client: '127.0.0.1', tls: 'TLSv1.3' }
const evidences = ['Hash', 'Mask', 'Clear'] as const
type Events = ReturnType<typeof telling>['events']

/** Every fact that quotes a text which somebody else wrote. */
const facts: readonly ((events: Events, foreign: string) => void)[] = [
  (events, foreign) => events.refused(session, 'rcpt', refusal('recipients.allow'), foreign),
  (events, foreign) => events.abandoned({ session: 's', listener: 'submission', client: foreign, tls: '' }, foreign),
  (events, foreign) =>
    events.attempted({
      queueId: 'Q',
      route: 'default',
      smarthost: 'ses',
      host: 'smtp.example.net',
      forwardPath: foreign,
      attempt: 1,
      outcome: { kind: 'bounced', reply: { code: 550, status: '5.1.1', text: foreign } },
    }),
  (events, foreign) => events.bounced('Q', foreign, 'refused', foreign),
  (events, foreign) => events.deferred('Q', foreign, 0, foreign),
  (events, foreign) => events.smarthostEjected('ses', 'smtp.example.net', 1, foreign),
  (events, foreign) => events.unexpected('data', new Error(foreign)),
  (events, foreign) =>
    events.audited(
      { session: 's', listener: 'submission', client: '::1', tls: 'TLSv1.3' },
      'data',
      { ...refusal('senderRules.headerFrom'), address: foreign },
      foreign,
    ),
]

test.each([
  'a\r\n{"level":50,"msg":"accepted"}',
  '"}\n{"msg":"x"',
  '\u2028\u2029\u0085',
  '\0\x1b[31m\x07',
  '\ud800 half a character',
  '__proto__',
])('the text %j stays within one line of JSON, whichever fact quotes it (case R14)', (foreign) => {
  const { events, text } = telling()
  for (const tell of facts) tell(events, foreign)
  const lines = text().split('\n')
  expect(lines.pop()).toBe('')
  expect(lines).toHaveLength(facts.length)
  const told = lines.map((line) => JSON.parse(line) as { msg: string })
  expect(told.map((line) => line.msg)).not.toContain('x')
  expect(text()).not.toContain('\0')
  expect(text()).not.toContain('\x1b')
})

test.each([
  'Hash',
  'Mask',
] as const)('with evidence %s, an address that a next hop repeats in its reply is shown as every other address is', (evidence) => {
  const { events, told } = telling(evidence)
  const why = '550 5.1.1 <Bob@other.t>: no such user; ask postmaster@other.t.'
  for (const tell of facts.slice(2, 4)) tell(events, why)
  events.smarthostEjected('ses', 'smtp.example.net', 1, why)
  const shown = (address: string) => showAddress(evidence, address)
  const quoted = `550 5.1.1 <${shown('Bob@other.t')}>: no such user; ask ${shown('postmaster@other.t')}`
  expect(told()).toMatchObject([{ text: quoted }, { reply: quoted }, { reply: quoted }])
})

test.each(
  evidences,
)('with evidence %s, the reverse-path and the From of a message that is refused behind its dot are shown as every other address is', (evidence) => {
  const { events, told } = telling(evidence)
  const foreign = { ...refusal('senderRules.headerFrom'), address: 'ceo@other.t' }
  events.refused(session, 'data', foreign, 'app@corp.t')
  events.audited(session, 'data', foreign, '')
  const address = showAddress(evidence, 'ceo@other.t')
  expect(told()).toMatchObject([
    { msg: 'refused', reversePath: showAddress(evidence, 'app@corp.t'), address },
    { msg: 'would be refused', reversePath: '<>', address },
  ])
})

test.each(
  evidences,
)('with evidence %s, a mail address in a client certificate is shown as every other address is, and its other names as they are', (evidence) => {
  const { events, told } = telling(evidence)
  const certificate = ['DNS:app.corp.t', 'email:ceo@other.t']
  events.authenticated(session, 'EXTERNAL', 'team/app', 'email:app@corp.t')
  events.authenticated(session, 'PLAIN', 'team/app', 'first')
  events.authFailed({ ...session, certificate }, 'EXTERNAL', 'certificateName', refusal('credential.clientCertificate'))
  expect(told()).toMatchObject([
    { msg: 'authenticated', key: `email:${showAddress(evidence, 'app@corp.t')}` },
    { msg: 'authenticated', key: 'first' },
    {
      msg: 'authentication failed',
      certificate: ['DNS:app.corp.t', `email:${showAddress(evidence, 'ceo@other.t')}`],
    },
  ])
})

test('10,000 addresses and domains make no metric of their own (case R13)', async () => {
  const { events, metrics } = telling()
  const series = async (): Promise<number> =>
    (await metrics.registry.metrics()).split('\n').filter((line) => line.startsWith('relayfleet_')).length
  for (const tell of facts) tell(events, 'user@example.org')
  const before = await series()
  for (let i = 0; i < 10_000; i++) for (const tell of facts) tell(events, `user${i}@domain${i}.example`)
  expect(await series()).toBe(before)
})

test('the metric of throttles counts a throttle by its name, a limit of a credential by its rule, and apart from refusals what Audit lets pass', async () => {
  const { events, metrics } = telling()
  const over = { ...refusal('throttles'), throttle: 'per-app' }
  events.refused(session, 'mail', over)
  events.audited(session, 'data', over)
  events.audited(session, 'data', over)
  events.refused(session, 'mail', refusal('credential.limits.rate'))
  events.audited(session, 'data', refusal('senderRules.headerFrom'))
  const { values } = await metrics.throttled.get()
  expect(values.map(({ labels, value }) => [labels.throttle, labels.action, value])).toEqual([
    ['per-app', 'reject', 1],
    ['per-app', 'audit', 2],
    ['credential.limits.rate', 'reject', 1],
  ])
})

test('a refused message counts once, whatever a client that pipelines has sent behind the refused command', async () => {
  const { events, metrics } = telling()
  events.refused(session, 'mail', refusal('senderRules.envelopeFrom'))
  events.refused(session, 'rcpt', protocol.mailFirst)
  events.refused(session, 'data', protocol.mailFirst)
  events.refused(session, 'data', refusal('always.errors'))
  events.refused(session, 'rcpt', refusal('recipients.allow'))
  events.refused(session, 'data', protocol.noValidRecipients)
  const { values } = await metrics.messages.get()
  expect(values.flatMap(({ labels, value }) => (value === 0 ? [] : [[labels.rule, value]]))).toEqual([
    ['senderRules.envelopeFrom', 1],
    ['always.sequence', 1],
  ])
})
