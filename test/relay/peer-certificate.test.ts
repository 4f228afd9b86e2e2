/** Whose certificate it is, as every connection of the process judges it. */
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { connect, createServer } from 'node:tls'
import { expect, onTestFinished, test } from 'vitest'
import '../../relay/peer-certificate.ts'
import { makeCertificates } from '../certificates.ts'

/** What is wrong with a certificate for these names to who connects to smtp.corp.test; empty: nothing. */
async function problemWith(names: readonly string[]): Promise<string> {
  const { ca, cert, key } = await makeCertificates(names)
  const server = createServer({ cert, key }).on('tlsClientError', () => {})
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const socket = connect({ host: '127.0.0.1', port, servername: 'smtp.corp.test', ca })
  onTestFinished(() => {
    socket.destroy()
    server.close()
  })
  return new Promise((resolve) => {
    socket.on('secureConnect', () => resolve('')).on('error', (error) => resolve(error.message))
  })
}

test.each(['smtp.corp.test', '*.corp.test'])('a certificate for %s is of the host', async (name) => {
  expect(await problemWith(['other.test', name])).toBe('')
})

test.each([
  's*.corp.test',
  '*p.corp.test',
  'sm*p.corp.test',
])('case T18: a certificate for %s is of no host: a wildcard is a whole label (RFC 9525 section 6.3)', async (name) => {
  expect(await problemWith([name])).toContain('does not contain a DNS name')
  expect(await problemWith(['other.test', name])).toContain(`DNS:other.test, unusable DNS:${name}`)
})
