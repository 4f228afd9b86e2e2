/** What OpenSSL says of a certificate is what counts; where nothing can be had of it, nobody is trusted. */
import { X509Certificate } from 'node:crypto'
import type { TLSSocket } from 'node:tls'
import { expect, test } from 'vitest'
import { shownCertificate } from '../../../relay/inbound/shown-certificate.ts'
import { readAuthority } from '../../../relay/rules/certificate.ts'
import { clientCertificates } from '../../client-certificates.ts'

const { shown, authorities } = await clientCertificates()
const authority = readAuthority('clients.crt', authorities.authority.pem)
const leaf = { raw: new X509Certificate(shown.device.cert).raw }

const socketWith = (over: object): TLSSocket =>
  ({
    getPeerCertificate: () => leaf,
    isSessionReused: () => false,
    _handle: { verifyError: () => undefined },
    ...over,
  }) as unknown as TLSSocket

const failing = (): never => {
  throw new Error('no')
}
const saying = (code: string) => ({ _handle: { verifyError: () => Object.assign(new Error(code), { code }) } })

test('a certificate that OpenSSL has nothing against is read', () => {
  expect(shownCertificate(socketWith({}), authority)).toMatchObject({
    authority: 'clients.crt',
    anchors: [expect.any(String)],
  })
})

test.each([
  ['a verdict against it', saying('UNABLE_TO_GET_ISSUER_CERT_LOCALLY'), 'untrusted'],
  ['a verdict that has no word here', saying('CERT_REJECTED'), 'untrusted'],
  ['its time', saying('CERT_HAS_EXPIRED'), 'expired'],
  ['a handle that has no verdict', { _handle: {} }, 'untrusted'],
  ['no handle, since the client is gone', { _handle: null }, 'untrusted'],
  ['a verdict that fails', { _handle: { verifyError: failing } }, 'untrusted'],
  ['a chain that can not be read', { getPeerCertificate: failing }, 'untrusted'],
  ['a leaf that is none', { getPeerCertificate: () => ({ raw: Buffer.from('garbage') }) }, 'untrusted'],
  ['no certificate', { getPeerCertificate: () => ({}) }, 'absent'],
  ['a session that was resumed', { isSessionReused: () => true }, 'absent'],
] as const)('nobody is trusted by %s', (_, over, trouble) => {
  expect(shownCertificate(socketWith(over), authority)).toBe(trouble)
})
