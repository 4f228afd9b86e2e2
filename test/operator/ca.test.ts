/** The operator's authority issues certificates that a client verifies, for as long as both last, and knows when one has to be renewed. */
import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { connect, createServer } from 'node:tls'
import { expect, onTestFinished, test } from 'vitest'
import { createAuthority, type Issued, issue, stillServes } from '../../operator/ca.ts'

const day = 24 * 3_600_000
const now = Date.UTC(2026, 10, 24)
const hosts = ['relay.example.org', '127.0.0.1']

/** Opens a listener with a certificate of this authority; the result tells how a client that trusts `ca` judges it. */
async function listening(authority: Issued) {
  const { certificate, key } = await issue(authority, hosts, Date.now())
  const server = createServer({ cert: certificate, key }, (socket) => socket.end())
  onTestFinished(() => void server.close())
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address() as AddressInfo
  return async (host: string, ca: string): Promise<string | undefined> => {
    const socket = connect({ host: '127.0.0.1', port, ca, ...(host !== '127.0.0.1' && { servername: host }) })
    const verdict = await once(socket, 'secureConnect').then(
      () => 'verified',
      (error: NodeJS.ErrnoException) => error.code,
    )
    socket.destroy()
    return verdict
  }
}

test('a client that trusts the authority verifies its certificate by name and by address, and one that trusts another does not', async () => {
  const authority = await createAuthority(Date.now())
  const verify = await listening(authority)
  const stranger = await createAuthority(Date.now())
  expect(await verify('127.0.0.1', authority.certificate)).toBe('verified')
  expect(await verify('relay.example.org', authority.certificate)).toBe('verified')
  expect(await verify('other.example.org', authority.certificate)).toBe('ERR_TLS_CERT_ALTNAME_INVALID')
  expect(await verify('127.0.0.1', stranger.certificate)).not.toBe('verified')
})

test('a client that trusts two authorities of the same name verifies what either of them signed', async () => {
  const [old, next] = [await createAuthority(Date.now()), await createAuthority(Date.now())]
  for (const signer of [old, next]) {
    const verify = await listening(signer)
    expect(await verify('relay.example.org', `${old.certificate}\n${next.certificate}\n`)).toBe('verified')
    expect(await verify('relay.example.org', `${next.certificate}\n${old.certificate}\n`)).toBe('verified')
  }
})

test('case S23: an authority that was made while the clock was ten years ahead is trusted with the clock right again', async () => {
  const authority = await createAuthority(Date.now() + 3650 * day)
  const verify = await listening(authority)
  expect(await verify('relay.example.org', authority.certificate)).toBe('verified')
})

test('an authority lasts ten years, and a certificate of it ninety days, with which nothing can be signed', async () => {
  const authority = await createAuthority(now)
  const leaf = new X509Certificate((await issue(authority, hosts, now)).certificate)
  const ca = new X509Certificate(authority.certificate)
  expect([ca.ca, leaf.ca]).toEqual([true, false])
  expect(ca.validToDate.getTime() - now).toBe(3650 * day)
  expect(leaf.validToDate.getTime() - now).toBe(90 * day)
  expect(leaf.verify(ca.publicKey)).toBe(true)
  expect(leaf.subjectAltName).toBe('DNS:relay.example.org, IP Address:127.0.0.1')
})

test('a certificate that is issued late ends with its authority', async () => {
  const authority = await createAuthority(now)
  const late = now + 3649 * day
  const leaf = new X509Certificate((await issue(authority, hosts, late)).certificate)
  expect(leaf.validToDate.getTime()).toBe(now + 3650 * day)
})

test.each([
  ['a fresh certificate serves', hosts, 0, true],
  ['a certificate with more than a third of its time left serves', hosts, 59 * day, true],
  ['a certificate with less than a third of its time left has to be renewed', hosts, 61 * day, false],
  ['a certificate that is not valid yet, since a clock was ahead, has to be renewed', hosts, -2 * day, false],
  ['a certificate with a host too many has to be issued anew', ['relay.example.org'], 0, false],
  ['a certificate that lacks one of the hosts has to be issued anew', [...hosts, 'mail.example.org'], 0, false],
] as const)('%s', async (_name, wanted, later, serves) => {
  const authority = await createAuthority(now)
  const { certificate } = await issue(authority, hosts, now)
  expect(await stillServes(certificate, authority, wanted, now + later)).toBe(serves)
})

test('a certificate of another authority of the same name does not serve, nor does a text that is no certificate', async () => {
  const [authority, other] = [await createAuthority(now), await createAuthority(now)]
  const { certificate } = await issue(other, hosts, now)
  expect(await stillServes(certificate, authority, hosts, now)).toBe(false)
  expect(await stillServes('garbage', authority, hosts, now)).toBe(false)
})
