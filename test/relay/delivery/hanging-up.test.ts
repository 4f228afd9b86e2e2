/** A next hop that ends its session because of one recipient, or refuses all on one connection, holds up no other recipient. */
import { expect, test } from 'vitest'
import { until } from '../../local/until.ts'
import { type Behaviour, drop, type Script, say } from './behaviour.ts'
import { MemorySpool } from './memory-spool.ts'
import { both } from './one-message.ts'
import { oneSmarthost, rig } from './rig.ts'
import { envelope, hello } from './samples.ts'
import { type Options, startSmarthost } from './smarthost.ts'

/** The next attempt of a message comes long after the test has ended. */
const once = { scheduleMs: [3_600_000], expireAfterMs: 86_400_000 }

async function deliverTo(forwardPaths: readonly string[], options: Options, retry = once) {
  const upstream = await startSmarthost(options)
  const [route] = oneSmarthost(upstream.port)
  const spool = new MemorySpool()
  const { delivery, attempts, facts } = rig(route === undefined ? [] : [{ ...route, retry }], { spool })
  const message = envelope(hello, { forwardPaths })
  spool.put(message, hello)
  const arrived = () => upstream.received.filter(({ mail }) => !mail.startsWith('MAIL FROM:<>')).flatMap((r) => r.rcpt)
  const lastOf = (path: string) => attempts.findLast((a) => a.forwardPath === path)?.outcome
  return { upstream, delivery, facts, arrived, lastOf, spool, message }
}

/** A script that answers by how many recipients the transaction has asked for until then. */
const byCount =
  (rcpt: (nth: number) => Behaviour | undefined, data?: (asked: number) => Behaviour | undefined) => (): Script => {
    let asked = 0
    return {
      MAIL: () => {
        asked = 0
        return undefined
      },
      RCPT: () => rcpt(++asked),
      DATA: () => data?.(asked),
    }
  }

const rows = both.flatMap(([manner, offers]) =>
  (
    [
      ['550, as Exim by drop', say('550 5.1.1 nobody', { ends: 'drop' }), 'bounced'],
      ['450, as Haraka by DENYSOFTDISCONNECT', say('450 4.7.1 not now', { ends: 'drop' }), 'deferred'],
      ['421', say('421 4.7.0 not him', { ends: 'drop' }), 'deferred'],
    ] as const
  ).map(([name, says, kind]) => [name, manner, says, kind, offers] as const),
)

test.each(
  rows,
)('a next hop that hangs up because of a recipient (%s; %s) gets the others at once', async (_name, _, says, kind, offers) => {
  const script: Script = { RCPT: (_time, line) => (line.includes('<bad') ? says : undefined) }
  const bad = Array.from({ length: 5 }, (_, i) => `bad${i}@x.test`)
  const { arrived, lastOf, delivery } = await deliverTo(['a@x.test', ...bad, 'z@x.test'], { script, offers })
  await until('both have the message', () => arrived().length === 2)
  expect(arrived()).toEqual(['RCPT TO:<a@x.test>', 'RCPT TO:<z@x.test>'])
  await until('all have an outcome', () => bad.every((path) => lastOf(path)?.kind === kind))
  await until('the next hop is healthy', () => delivery.smarthosts()[0]?.health === 'healthy')
})

test.each(
  both,
)('421 for one recipient in a session that goes on, and takes the others, is of that recipient, as by a greylist (%s)', async (_, offers) => {
  const script: Script = { RCPT: (_time, line) => (line.includes('<grey') ? say('421 4.7.1 greylisted') : undefined) }
  const { arrived, lastOf, facts, upstream, spool } = await deliverTo(['a@x.test', 'grey@x.test', 'z@x.test'], {
    script,
    offers,
  })
  for (let i = 1; i <= 3; i++) {
    await until('the others have the message', () => arrived().length === 2 * i && facts('deferred').length === i)
    spool.put(envelope(hello, { forwardPaths: ['a@x.test', 'grey@x.test', 'z@x.test'] }), hello)
  }
  await until('all have an outcome', () => arrived().length === 8 && facts('deferred').length === 4)
  expect(lastOf('grey@x.test')).toMatchObject({ kind: 'deferred', scope: 'recipient', reply: { code: 421 } })
  expect([facts('smarthostEjected'), upstream.connections()]).toEqual([[], 1])
})

test('a session that ends after a few refusals, as by smtpd_hard_error_limit of Postfix, costs no recipient an attempt', async () => {
  const session = (): Script => {
    let errors = 0
    return {
      RCPT: (_time, line): Behaviour | undefined => {
        if (errors >= 2) return say('421 4.7.0 Error: too many errors', { ends: 'drop' })
        if (!line.includes('<bad')) return undefined
        errors++
        return say('550 5.1.1 nobody')
      },
    }
  }
  const bad = Array.from({ length: 7 }, (_, i) => `bad${i}@x.test`)
  const { arrived, facts, delivery, message } = await deliverTo(['a@x.test', ...bad, 'z@x.test'], { session })
  await until('both have the message', () => arrived().length === 2)
  await until('the others are returned', () => facts('bounced').length === 7)
  expect(facts('deferred').filter(([queueId]) => queueId === message.queueId)).toEqual([])
  await until('the next hop is healthy', () => delivery.smarthosts()[0]?.health === 'healthy')
})

const limits = both.flatMap(([manner, offers]) =>
  [1, 2, 3, 4].flatMap((limit) => ['', 'a@x.test'].map((good) => [limit, good, manner, offers] as const)),
)

test.each(
  limits,
)('421 right behind refusal %i, as Postfix says it, also behind the one of DATA, is no answer and takes no refusal back (%s; %s)', async (limit, good, _, offers) => {
  // Errors are counted for each session, since a report may be under way on a connection of its own.
  const session = (): Script => {
    let errors = 0
    let taken = 0
    const err = (says: string): Behaviour =>
      ++errors < limit ? say(says) : say(`${says}\r\n421 4.7.0 Error: too many errors`, { ends: 'drop' })
    return {
      MAIL: () => {
        taken = 0
        return undefined
      },
      RCPT: (_time, line): Behaviour | undefined => {
        if (line.includes('<bad')) return err('550 5.1.1 nobody')
        taken++
        return undefined
      },
      DATA: () => (taken === 0 ? err('554 5.5.1 Error: no valid recipients') : undefined),
    }
  }
  const bad = ['bad0@x.test', 'bad1@x.test', 'bad2@x.test']
  const { arrived, facts, delivery } = await deliverTo([...bad, good].filter(Boolean), { session, offers })
  await until('all have an outcome', () => facts('bounced').length + facts('deferred').length + arrived().length >= 3)
  await until('the refused ones are returned', () => facts('bounced').length === 3)
  await until('the other recipient has the message', () => arrived().length === (good === '' ? 0 : 1))
  expect(facts('deferred')).toEqual([])
  await until('the next hop is healthy', () => delivery.smarthosts()[0]?.health === 'healthy')
})

test.each(
  both,
)('421 right behind 354 ends the session before any content is sent: the message is deferred, and can not have arrived (%s)', async (_, offers) => {
  const script: Script = { DATA: say('354 go\r\n421 4.3.2 going down', { ends: 'drop' }) }
  const { lastOf } = await deliverTo(['a@x.test'], { script, offers })
  await until('the message has an outcome', () => lastOf('a@x.test') !== undefined)
  expect(lastOf('a@x.test')).toMatchObject({ kind: 'deferred', scope: 'nextHop' })
})

test('a smarthost that refuses DATA because of too many recipients, as Exim does by recipients_max_reject, is sent fewer', async () => {
  const session = byCount(
    (nth) => (nth > 2 ? say('552 too many recipients') : undefined),
    (asked) => (asked > 2 ? say('554 Too many recipients') : undefined),
  )
  const forwardPaths = ['a', 'b', 'c', 'd', 'e'].map((name) => `${name}@x.test`)
  const { arrived, facts } = await deliverTo(forwardPaths, { session })
  await until('all have an outcome', () => arrived().length + facts('bounced').length + facts('deferred').length === 5)
  expect(arrived().toSorted()).toEqual(forwardPaths.map((path) => `RCPT TO:<${path}>`))
})

test('a smarthost that takes a few recipients at one time is asked for no more than that from then on', async () => {
  const session = byCount((nth) => (nth > 3 ? say('452 4.5.3 too many recipients') : undefined))
  const forwardPaths = Array.from({ length: 50 }, (_, i) => `user${i}@x.test`)
  const { arrived, upstream, facts } = await deliverTo(forwardPaths, { session })
  await until('all have the message', () => arrived().length === 50)
  expect(new Set(arrived()).size).toBe(50)
  expect(facts('deferred')).toEqual([])
  expect(upstream.times('RCPT')).toBe(50 + 47)
})

test('a smarthost that takes recipients of one domain at one time, as Gmail, is asked for those of the others at once', async () => {
  const session = (): Script => {
    let domain = ''
    const refusal = say(
      '451-4.3.0 Multiple destination domains per transaction is unsupported.\r\n451 4.3.0 Please try again.',
    )
    return {
      MAIL: () => {
        domain = ''
        return undefined
      },
      RCPT: (_time, line) => {
        const own = line.slice(line.indexOf('@'))
        domain ||= own
        return own === domain ? undefined : refusal
      },
    }
  }
  const forwardPaths = [1, 2, 3].flatMap((n) => ['a', 'b'].map((name) => `${name}@d${n}.test`))
  const { arrived, facts } = await deliverTo(forwardPaths, { session })
  await until('all have an outcome', () => arrived().length + facts('deferred').length === 6)
  expect(arrived().toSorted()).toEqual(forwardPaths.map((path) => `RCPT TO:<${path}>`).toSorted())
})

test('a connection on which the system takes nobody, as of a postscreen that has just tested it, is not used again', async () => {
  let connections = 0
  const script: Script = {
    banner: () => void connections++,
    RCPT: () => (connections === 1 ? say('450 4.3.2 Service currently unavailable') : undefined),
    DATA: () => (connections === 1 ? say('503 5.5.1 no recipients') : undefined),
  }
  const { spool, facts, arrived } = await deliverTo(['a@x.test'], { script })
  await until('the first waits', () => facts('deferred').length === 1)
  spool.put(envelope(hello, { forwardPaths: ['b@x.test'] }), hello)
  await until('the second has an outcome', () => arrived().length + facts('deferred').length === 2)
  expect(arrived()).toEqual(['RCPT TO:<b@x.test>'])
})

test.each([
  ['loses the connection', drop],
  ['says 421, as for a rate', say('421 4.7.28 too many messages from you', { ends: 'drop' })],
  ['says 450 and hangs up', say('450 4.7.1 not now', { ends: 'drop' })],
])('a next hop that %s at the first recipient is not asked at once for each of the others', async (_, says) => {
  const { facts, upstream } = await deliverTo(['a@x.test', 'b@x.test', 'c@x.test'], { script: { RCPT: says } })
  await until('all wait', () => facts('deferred').length === 3)
  expect(upstream.connections()).toBe(1)
})

test.each(
  both,
)('where the session ends when the first recipient is refused for now, another one comes first at the next attempt (%s)', async (_, offers) => {
  const script: Script = {
    RCPT: (_time, line) => (line.includes('<full') ? say('452 4.2.2 full', { ends: 'drop' }) : undefined),
  }
  const again = { scheduleMs: [10], expireAfterMs: 86_400_000 }
  const { arrived } = await deliverTo(['full@x.test', 'a@x.test', 'z@x.test'], { script, offers }, again)
  await until('both others have the message', () => arrived().length === 2)
  expect(arrived().toSorted()).toEqual(['RCPT TO:<a@x.test>', 'RCPT TO:<z@x.test>'])
})

test.each(
  both.flatMap(([manner, offers]) =>
    (
      [
        ['takes one and says 421', undefined, say('421 4.7.0 too many', { ends: 'drop' })],
        ['refuses one and hangs up', say('550 5.1.1 nobody', { ends: 'drop' }), undefined],
      ] as const
    ).map(([name, first, others]) => [name, manner, first, others, offers] as const),
  ),
)('a next hop that %s, again and again, is connected to a few times, and then left until the next attempt (%s)', async (_name, _, first, others, offers) => {
  const session = byCount((nth) => (nth === 1 ? first : others))
  const forwardPaths = Array.from({ length: 50 }, (_, i) => `user${i}@x.test`)
  const { upstream, facts, delivery, arrived } = await deliverTo(forwardPaths, { session, offers })
  const outcomes = () => facts('deferred').length + facts('bounced').length + arrived().length
  await until('all have an outcome', () => outcomes() >= 50)
  await until('nothing is in flight or ready', () => delivery.summary().inFlight + delivery.summary().ready === 0)
  expect(upstream.lines.filter((line) => line.startsWith('MAIL FROM:<app')).length).toBeLessThanOrEqual(16)
  if (first === undefined) expect(arrived()).toEqual(['RCPT TO:<user0@x.test>'])
  else expect(facts('bounced').length).toBeGreaterThanOrEqual(10)
})

test.each(
  both,
)('case U05: where each session ends without a word at the seventh recipient, those before have the message at once, and all others by the attempts to come (%s)', async (_, offers) => {
  const session = byCount((nth) => (nth === 7 ? drop : undefined))
  const forwardPaths = Array.from({ length: 20 }, (_, i) => `user${i}@x.test`)
  const again = { scheduleMs: [10], expireAfterMs: 86_400_000 }
  const { arrived, upstream, delivery } = await deliverTo(forwardPaths, { session, offers }, again)
  await until('all have the message', () => arrived().length === 20)
  expect(arrived().toSorted()).toEqual(forwardPaths.map((path) => `RCPT TO:<${path}>`).toSorted())
  expect(upstream.connections()).toBeLessThanOrEqual(8)
  await until('the next hop is healthy', () => delivery.smarthosts()[0]?.health === 'healthy')
})

test.each(
  both,
)('case U05: a next hop that ends each session without a word at the last recipient is connected to a few times, and then left until the next attempt (%s)', async (_, offers) => {
  let most = 50
  const session = (): Script => {
    const last = most--
    return byCount((nth) => (nth === last ? drop : undefined))()
  }
  const forwardPaths = Array.from({ length: 50 }, (_, i) => `user${i}@x.test`)
  const { upstream, facts, delivery } = await deliverTo(forwardPaths, { session, offers })
  await until('all wait', () => facts('deferred').length + upstream.received.length >= 1)
  await until('nothing is in flight or ready', () => delivery.summary().inFlight + delivery.summary().ready === 0)
  expect(upstream.connections()).toBeLessThanOrEqual(16)
})
