/** A client certificate: the names that are read from it, the authority that its signatures lead to, and when it counts. */
import { X509Certificate } from 'node:crypto'
import { expect, test } from 'vitest'
import {
  anchorsIn,
  type ClientCertificate,
  certificateNow,
  namesIn,
  type Path,
  pathOf,
  readAuthority,
  readCertificate,
} from '../../../relay/rules/certificate.ts'
import { clientCertificates, makeAuthority } from '../../client-certificates.ts'

test.each([
  ['an empty text', '', []],
  [
    'one of each kind',
    'URI:spiffe://a/B, DNS:A.example, email:Me@A.example',
    ['URI:spiffe://a/B', 'DNS:a.example', 'email:Me@a.example'],
  ],
  [
    'a name beside ones of other kinds',
    'IP Address:192.0.2.1, DNS:a.example, othername:<unsupported>',
    ['DNS:a.example'],
  ],
  ['a name beside a quoted one', 'URI:"x:, URI:spiffe://a/b", DNS:a.example', ['DNS:a.example']],
  ['quotes within a quoted name', String.raw`DNS:"a\", URI:spiffe://a/b", DNS:a.example`, ['DNS:a.example']],
  ['a name of another kind that looks like one', 'DirName:CN = URI:spiffe://a/b', []],
  ['a name with a space', 'URI:spiffe://a/b c', []],
  ['an empty name', 'URI:, DNS:', []],
  ['an open quote', 'DNS:"a, URI:spiffe://a/b', []],
  ['a comma without a space behind it', 'DNS:a.example,URI:spiffe://a/b', []],
  ['a name beyond ASCII beside a plain one', 'DNS:ä.example, DNS:a.example', ['DNS:a.example']],
  ['a backslash', String.raw`DNS:a\.example`, []],
  ['a kind in another letter case', 'uri:spiffe://a/b, EMAIL:a@b.example', []],
] as const)('the names that are read from a SubjectAltName: %s', (_, text, names) => {
  expect(namesIn(text)).toEqual(names)
})

const { shown, authorities } = await clientCertificates()
const chainOf = (pems: string): readonly X509Certificate[] =>
  pems.match(/-----BEGIN[^-]+-----[^-]+-----END[^-]+-----/g)?.map((p) => new X509Certificate(p)) ?? []
const authority = readAuthority('ca.crt', authorities.authority.pem)

test.each([
  ['signed by the authority', shown.device.cert, 1],
  ['through an intermediate', shown.chain.cert, 1],
  [
    'through an intermediate that comes behind another certificate',
    `${shown.withoutIntermediate.cert}\n${authorities.other.pem}\n${authorities.intermediate.pem}`,
    1,
  ],
  ['without the intermediate', shown.withoutIntermediate.cert, 0],
  ['by an authority of the same name', shown.foreign.cert, 0],
  ['by an authority of the same name, which comes along', `${shown.foreign.cert}\n${authorities.foreign.pem}`, 0],
  ['with the right authority behind the wrong one', `${shown.other.cert}\n${authorities.authority.pem}`, 0],
  ['no certificate', '', 0],
] as const)('whether the signatures of a certificate lead to the authority: %s', (_, pems, anchors) => {
  expect(pathOf(chainOf(pems), authority)?.anchors.length ?? 0).toBe(anchors)
})

test('a client certificate in the file of an authority vouches for itself, and for no other one of its issuer', () => {
  const pinned = readAuthority('ca.crt', shown.device.cert)
  expect(pathOf(chainOf(shown.device.cert), pinned)?.anchors).toHaveLength(1)
  expect(pathOf(chainOf(shown.printer.cert), pinned)).toBeUndefined()
})

test('with an authority and its renewal in the file, a certificate counts for as long as either of them is valid', async () => {
  const { pem, keys } = authorities.authority
  const { pem: soonOver } = await makeAuthority('Clients', undefined, keys, 1)
  const timesBy = (...pems: readonly string[]) => {
    const both = readAuthority('ca.crt', pems.join('\n'))
    const { notBefore, notAfter } = readCertificate(pathOf(chainOf(shown.device.cert), both) as Path, both)
    return [new Date(notBefore), new Date(notAfter)]
  }
  const { validFromDate, validToDate } = new X509Certificate(shown.device.cert)
  expect(timesBy(soonOver)).toEqual([validFromDate, new X509Certificate(soonOver).validToDate])
  for (const pems of [[pem], [soonOver, pem], [pem, soonOver]])
    expect(timesBy(...pems)).toEqual([validFromDate, validToDate])
})

test('a certificate counts from its first to its last moment, and only while its authority is configured', () => {
  const path = pathOf(chainOf(shown.device.cert), authority) as Path
  const certificate: ClientCertificate = readCertificate(path, authority)
  const { notBefore, notAfter } = certificate
  const anchors = new Map([['ca.crt', anchorsIn(authority)]])
  expect(certificateNow(anchors, certificate, notBefore - 1)).toBe('notYetValid')
  expect(certificateNow(anchors, certificate, notBefore)).toBeUndefined()
  expect(certificateNow(anchors, certificate, notAfter)).toBeUndefined()
  expect(certificateNow(anchors, certificate, notAfter + 1)).toBe('expired')
  expect(certificateNow(anchors, { ...certificate, notBefore: Number.NaN }, notAfter)).toBe('notYetValid')
  expect(certificateNow(anchors, { ...certificate, notAfter: Number.NaN }, notBefore)).toBe('expired')
  expect(certificateNow(new Map(), certificate, notBefore)).toBe('untrusted')
  expect(certificateNow(new Map([['other.crt', anchorsIn(authority)]]), certificate, notBefore)).toBe('untrusted')
  expect(certificateNow(new Map([['ca.crt', new Set<string>()]]), certificate, notBefore)).toBe('untrusted')
})

test('a certificate that an authority and its renewal vouch for counts while the configuration has either of them', () => {
  const certificate = readCertificate(pathOf(chainOf(shown.device.cert), authority) as Path, authority)
  const byBoth = { ...certificate, anchors: ['old', 'renewed'] }
  const nowBy = (...anchors: readonly string[]) =>
    certificateNow(new Map([['ca.crt', new Set(anchors)]]), byBoth, certificate.notBefore)
  expect([nowBy('old', 'renewed'), nowBy('old'), nowBy('renewed'), nowBy('other')]).toEqual([
    undefined,
    undefined,
    undefined,
    'untrusted',
  ])
})
