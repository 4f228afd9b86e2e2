/** Every fault at every stage of SMTP defers, bounces or leaves open what became of the message (cases U01, U02, U11). */
import { beforeAll, expect, test } from 'vitest'
import { makeCertificates } from '../../certificates.ts'
import { until } from '../../local/until.ts'
import { type Behaviour, drop, reset, type ScriptStage, say, silence } from './behaviour.ts'
import { deliver } from './one-message.ts'
import { fastDeadlines, oneSmarthost, rig } from './rig.ts'
import { envelope, hello } from './samples.ts'
import { everything, startSmarthost } from './smarthost.ts'

let certificate: Awaited<ReturnType<typeof makeCertificates>>
beforeAll(async () => {
  certificate = await makeCertificates(['127.0.0.1'])
})

const faults = {
  '4yz': say('451 4.3.0 try later'),
  '421': say('421 4.3.2 going down', { ends: 'drop' }),
  '5yz': say('550 5.7.1 no'),
  '503': say('503 5.5.1 bad sequence of commands'),
  '502': say('502 no such command'),
  '221': say('221 2.0.0 bye', { ends: 'drop' }),
  drop,
  reset,
  silence,
  'half a reply': say(Buffer.from('250 o'), { ends: 'drop' }),
  'code 999': say('999 x'),
  OK: say('OK'),
  'an empty line': say(''),
  'two codes': say('250-a\r\n550 b'),
} as const satisfies Record<string, Behaviour>
type Fault = keyof typeof faults

const opening: readonly ScriptStage[] = ['banner', 'EHLO', 'STARTTLS', 'AUTH']
const scopeOf4yz = { MAIL: 'message', RCPT: 'recipient', DATA: 'message', dot: 'message' } as const
const transaction = ['MAIL', 'RCPT', 'DATA', 'dot'] as const

const deferredAtNextHop = { kind: 'deferred', scope: 'nextHop', reply: { status: expect.stringMatching(/^4\./) } }
const ambiguous = { kind: 'ambiguous', reply: { status: expect.stringMatching(/^4\./) } }

/** Replies that ask for a later attempt are told in the words of the hop. */
const wordsOf: Partial<Record<Fault, object>> = {
  '4yz': { code: 451, status: '4.3.0', text: 'try later' },
  '421': { code: 421, status: '4.3.2', text: 'going down' },
}

/** The outcome by the rules: a fault before MAIL says nothing about the message, and silence after the dot is no answer. */
function expected(stage: ScriptStage, fault: Fault): object {
  if (opening.includes(stage) || fault === '421')
    return { ...deferredAtNextHop, reply: wordsOf[fault] ?? deferredAtNextHop.reply }
  const at = stage as (typeof transaction)[number]
  if (fault === '5yz') return { kind: 'bounced', reply: { code: 550, status: '5.7.1', text: 'no' } }
  if (fault === '4yz') return { kind: 'deferred', scope: scopeOf4yz[at], reply: { code: 451, status: '4.3.0' } }
  if (fault === '503' || fault === '502')
    return { kind: 'deferred', scope: scopeOf4yz[at], reply: { code: 451, status: '4.5.0' } }
  return at === 'dot' ? ambiguous : deferredAtNextHop
}

const rows = [...opening, ...transaction].flatMap((stage) =>
  (Object.keys(faults) as Fault[]).flatMap((fault) => [
    [stage, fault, 'PIPELINING'] as const,
    [stage, fault, 'lockstep'] as const,
  ]),
)

test.concurrent.each(
  rows,
)('at %s the fault "%s" with %s has the outcome that the rules give it', async (stage, fault, manner) => {
  const offers = everything.filter((keyword) => keyword !== 'PIPELINING' || manner === 'PIPELINING')
  const secure = opening.includes(stage)
  const upstream = await startSmarthost({
    script: { [stage]: faults[fault] },
    offers: [...offers, 'STARTTLS', 'AUTH PLAIN'],
    ...(secure && { certificate }),
  })
  const { attempted, quiet, attempts, spool, facts } = rig(
    oneSmarthost(upstream.port, secure ? { tls: { mode: 'StartTLS', caFile: 'ca' }, auth: login } : {}),
    {
      files: { ca: certificate.ca, user: 'u', password: 'p' },
      ...(fault === 'silence' && { deadlines: fastDeadlines }),
    },
  )
  const message = envelope(hello)
  spool.put(message, hello)
  await attempted(1)
  await quiet()
  const [only, ...more] = attempts.filter((a) => a.queueId === message.queueId)
  expect(more).toEqual([])
  expect(only?.outcome).toMatchObject(expected(stage, fault))
  if (stage !== 'dot') expect(upstream.received).toEqual([])
  const bounced = fault === '5yz' && !secure
  expect(spool.has(message.queueId)).toBe(!bounced)
  expect(facts('dsnQueued')).toHaveLength(bounced ? 1 : 0)
  if (bounced) return
  expect(spool.stored.get(message.queueId)?.recipients).toMatchObject([
    { state: 'pending', attempts: 1, ambiguous: only?.outcome.kind === 'ambiguous' ? 1 : 0 },
  ])
})

test.each([
  '503 5.7.1 not from you',
  '500 5.5.2 line too long',
  '501 5.1.3 bad address syntax',
  '504 5.5.2 a full domain name is needed',
  '555 5.5.4 what is SIZE?',
])('at RCPT %s is a refusal of the recipient', async (says) => {
  const { outcomes } = await deliver({ script: { RCPT: say(says) } }, { reversePath: '' })
  expect(outcomes).toMatchObject([{ kind: 'bounced', reply: { code: Number(says.slice(0, 3)) } }])
})

test.each(Object.keys(faults) as Fault[])('at QUIT the fault "%s" changes nothing', async (fault) => {
  const upstream = await startSmarthost({ script: { QUIT: faults[fault] } })
  const { spool, delivery, quiet, attempted, attempts } = rig(oneSmarthost(upstream.port))
  spool.put(envelope(hello), hello)
  await attempted(1)
  await quiet()
  await delivery.close(100)
  await until('QUIT is said', () => upstream.times('QUIT') === 1)
  expect(attempts.map((a) => a.outcome.kind)).toEqual(['delivered'])
  expect(spool.stored.size).toBe(0)
})

const login = { usernameFile: 'user', passwordFile: 'password' }
