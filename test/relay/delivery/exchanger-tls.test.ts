/** TLS with exchangers: taken where it is to be had, whosever certificate it is, and no reason to keep mail (decision 0025). */
import { expect, test } from 'vitest'
import { makeCertificates } from '../../certificates.ts'
import { until } from '../../local/until.ts'
import { drop, say } from './behaviour.ts'
import { hello } from './samples.ts'
import { one, rcptOf, to, two, twoDomains } from './two-domains.ts'
import { startWorld } from './world.ts'

test('STARTTLS is used where it is offered, whosever certificate it is; where it fails, mail goes in clear; AUTH never', async () => {
  const { cert, key } = await makeCertificates(['other.test'])
  const certificate = { cert, key }
  const offers = ['STARTTLS', 'PIPELINING', 'AUTH PLAIN LOGIN']
  const { hosts, spool, facts, attempted, quiet } = await startWorld(twoDomains, {
    [one]: { certificate, offers },
    [two]: { offers, script: { STARTTLS: say('454 4.7.0 not now') } },
  })
  spool.put(to('u@a.test', 'v@b.test'), hello)
  await attempted(2)
  await quiet()
  expect(spool.stored.size).toBe(0)
  const connected = facts('smarthostConnected').map(([, host, tls]) => [host, tls])
  expect(connected.toSorted()).toEqual([
    ['mx.a.test', 'TLSv1.3'],
    ['mx.b.test', ''],
  ])
  for (const host of Object.values(hosts)) expect(host.lines.filter((line) => line.startsWith('AUTH'))).toEqual([])
})

test('case T20: an exchanger with a chain of certificates that nobody uses is no TLS: the mail goes in clear', async () => {
  const { cert, key } = await makeCertificates(['other.test'])
  const offers = ['STARTTLS']
  const { hosts, spool, facts } = await startWorld(twoDomains, {
    [one]: { offers, certificate: { cert: `${cert}\n`.repeat(10), key } },
    [two]: { offers, certificate: { cert: `${cert}\n`.repeat(90), key } },
  })
  spool.put(to('u@a.test', 'v@b.test'), hello)
  await until('all is delivered', () => spool.stored.size === 0)
  const connected = facts('smarthostConnected').map(([, host, tls]) => [host, tls])
  expect(connected.toSorted()).toEqual([
    ['mx.a.test', 'TLSv1.3'],
    ['mx.b.test', ''],
  ])
  expect(hosts[two].received).toHaveLength(1)
})

test('case T21: an exchanger that refuses our TLS when the handshake is done, as with TLS 1.3, gets the mail in clear', async () => {
  const { cert, key } = await makeCertificates(['other.test'])
  const { hosts, spool, facts, quiet } = await startWorld(twoDomains, {
    [one]: { offers: ['STARTTLS'], certificate: { cert, key, wantsOurs: true } },
    [two]: {
      offers: ['STARTTLS'],
      certificate: { cert, key },
      script: { EHLO: (time) => (time === 1 ? drop : undefined) },
    },
  })
  spool.put(to('u@a.test', 'v@b.test'), hello)
  await until('both were tried', () => facts('attempted').length === 2)
  await quiet()
  expect(rcptOf([...hosts[one].received, ...hosts[two].received])).toEqual(['u@a.test', 'v@b.test'])
  expect(facts('smarthostConnected').map(([, , tls]) => tls)).toEqual(['', ''])
})
