/** The TLS of a connection to a store of limits names the store, as who stands before several of them needs it. */
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { createSecureContext, createServer } from 'node:tls'
import { expect, onTestFinished, test } from 'vitest'
import { connectRedis } from '../../../relay/limits/redis-connection.ts'
import { makeCertificates } from '../../certificates.ts'

test('a store that shares its address with others, which are told apart by the name in the handshake, is reached by its name (case A19)', async () => {
  const [own, others] = await Promise.all([
    makeCertificates(['localhost', '127.0.0.1']),
    makeCertificates(['other.test']),
  ])
  const names: unknown[] = []
  const byName = createServer({
    cert: others.cert,
    key: others.key,
    SNICallback: (name, answer) => {
      names.push(name)
      answer(null, name === 'localhost' ? createSecureContext(own) : undefined)
    },
  })
  const alone = createServer(own)
  const portOf = async (server: typeof alone): Promise<number> => {
    server.on('secureConnection', (socket) => void socket.on('data', () => socket.write('+OK\r\n')))
    server.on('tlsClientError', () => {})
    server.listen(0, '127.0.0.1')
    onTestFinished(() => void server.close())
    await once(server, 'listening')
    return (server.address() as AddressInfo).port
  }
  const reached = async (host: string, port: number): Promise<string> => {
    try {
      const connection = await connectRedis({ host, port, database: 0, tls: { ca: own.ca } }, 10_000, () => {})
      connection.end()
      return 'reached'
    } catch (error) {
      return (error as Error).message
    }
  }
  expect(await reached('localhost', await portOf(byName))).toBe('reached')
  expect(names).toEqual(['localhost'])
  // An address is no name (RFC 6066 section 3).
  expect(await reached('127.0.0.1', await portOf(alone))).toBe('reached')
})
