/** Whether a client certificate is trusted is what OpenSSL says; where that can not be had, no certificate is. */
import { X509Certificate } from 'node:crypto'
import type { TLSSocket } from 'node:tls'
import { expect, test } from 'vitest'
import { shownCertificate } from '../../../relay/inbound/shown-certificate.ts'
import { readAuthority } from '../../../relay/rules/certificate.ts'
import { clientCertificates } from '../../client-certificates.ts'

const { shown, authorities } = await clientCertificates()
const authority = readAuthority('clients.crt', authorities.authority.pem)

const element = (tag: number, value: Buffer): Buffer =>
  Buffer.concat([Buffer.from([tag, 0x82, value.length >> 8, value.length & 0xff]), value])
/** A TLS session as OpenSSL prints it: other fields, and the certificate of the client. */
const sessionOf = (peer?: Buffer) => ({
  getSession: () => element(0x30, Buffer.concat([Buffer.from([2, 1, 1]), ...(peer ? [element(0xa3, peer)] : [])])),
})
const raw = (pem: string): Buffer => new X509Certificate(pem).raw
const device = sessionOf(raw(shown.device.cert))
const verified = { verifyError: () => undefined }

const socketWith = (over: object): TLSSocket =>
  ({
    getPeerX509Certificate: () => undefined,
    isSessionReused: () => false,
    _handle: { ...device, ...verified },
    ...over,
  }) as unknown as TLSSocket

const web = 'URI:spiffe://corp.example/web'
const failing = (): never => {
  throw new Error('no')
}
const saying = (code: string) => ({
  _handle: { ...device, verifyError: () => Object.assign(new Error(code), { code }) },
})
const withSession = (session: object) => ({ _handle: { ...session, ...verified } })
const below = withSession(sessionOf(raw(shown.withoutIntermediate.cert)))

test('a certificate that OpenSSL has nothing against is read', () => {
  expect(shownCertificate(socketWith({}), authority)).toMatchObject({
    authority: 'clients.crt',
    anchors: [expect.any(String)],
  })
})

test.each([
  ['a verdict against its certificate', saying('UNABLE_TO_GET_ISSUER_CERT_LOCALLY'), 'untrusted'],
  ['a verdict that has no word of its own here', saying('CERT_REJECTED'), 'untrusted'],
  ['a certificate that has expired', saying('CERT_HAS_EXPIRED'), 'expired'],
  ['a handle that has no verdict', { _handle: device }, 'untrusted'],
  ['no handle, since the client is gone', { _handle: null }, 'untrusted'],
  ['a verdict that fails', { _handle: { ...device, verifyError: failing } }, 'untrusted'],
  ['a handle that has no session', { _handle: verified }, 'untrusted'],
  ['a session that can not be read', withSession({ getSession: failing }), 'untrusted'],
  ['a session that is cut off', withSession({ getSession: () => device.getSession().subarray(0, 60) }), 'untrusted'],
  ['a chain that can not be read', { ...below, getPeerX509Certificate: failing }, 'untrusted'],
  ['a chain that leads nowhere', below, 'untrusted'],
  ['a certificate that is garbage', withSession(sessionOf(Buffer.from('garbage'))), 'untrusted'],
  ['no certificate', withSession(sessionOf()), 'absent'],
  ['no session', withSession({ getSession: () => undefined }), 'absent'],
  ['a session that was resumed', { isSessionReused: () => true }, 'absent'],
] as const)('a client is not trusted with %s', (_, over, trouble) => {
  expect(shownCertificate(socketWith(over), authority)).toBe(trouble)
})

test('an intermediate that is shown along is looked at once for all clients that it vouches for', () => {
  let looks = 0
  const intermediate = new X509Certificate(authorities.intermediate.pem)
  const getPeerX509Certificate = () => {
    looks += 1
    return { issuerCertificate: intermediate }
  }
  const ours = readAuthority('clients.crt', authorities.authority.pem)
  for (let clients = 0; clients < 3; clients += 1)
    expect(shownCertificate(socketWith({ ...below, getPeerX509Certificate }), ours)).toMatchObject({ names: [web] })
  expect(looks).toBe(1)
})
