/**
 * A server with nothing newer than TLS 1.1, in a process whose own floors are lower still: that of Node, and the security level of
 * OpenSSL. Only code that sets a floor of its own refuses it, as it has to where flags or an openssl.cnf have taken those away.
 */
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import tls from 'node:tls'
import { expect } from 'vitest'
import { onTestFinished } from '../own-test.ts'

type Certificate = { readonly cert: string; readonly key: string; readonly ca: string }

const anything = 'ALL:@SECLEVEL=0'

/** Its port; until the test ends, whoever asks this process for no version may get TLS 1.1. */
export async function oldTlsServer({ cert, key, ca }: Certificate): Promise<number> {
  const { DEFAULT_MIN_VERSION, DEFAULT_CIPHERS } = tls
  Object.assign(tls, { DEFAULT_MIN_VERSION: 'TLSv1', DEFAULT_CIPHERS: anything })
  onTestFinished(() => void Object.assign(tls, { DEFAULT_MIN_VERSION, DEFAULT_CIPHERS }))
  const server = tls.createServer({ cert, key, minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: anything })
  server.on('tlsClientError', () => {})
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  const { port } = server.address() as AddressInfo
  const withoutFloor = tls.connect({ host: '127.0.0.1', port, ca })
  await once(withoutFloor, 'secureConnect')
  expect(withoutFloor.getProtocol()).toBe('TLSv1.1')
  withoutFloor.destroy()
  return port
}
