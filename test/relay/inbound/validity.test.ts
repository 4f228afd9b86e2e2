/** A certificate is told to end when the issuer that is shown along with it does, since clients refuse it from then on (case T13). */
import { X509Certificate } from 'node:crypto'
import { expect, test } from 'vitest'
import { validityOf } from '../../../relay/inbound/validity.ts'
import { certify, dns, makeAuthority } from '../../client-certificates.ts'

const root = await makeAuthority('Root')
const ended = await makeAuthority('Intermediate', root, undefined, -1)
const renewed = await makeAuthority('Intermediate', root, ended.keys, 240)
const other = await makeAuthority('Other', root, undefined, -1)
const { cert } = await certify(ended, [dns('mail.corp.example')], { notBefore: -24, notAfter: 100 })
const endOf = (pem: string): Date => new X509Certificate(pem).validToDate

test.each([
  ['nothing', '', cert],
  ['an issuer that has ended', ended.pem, ended.pem],
  ['an issuer that has ended, and the same one renewed', `${ended.pem}\n${renewed.pem}`, cert],
  ['an authority that has ended and did not issue it', other.pem, cert],
  ['an issuer that lasts, and a root', `${renewed.pem}\n${root.pem}`, cert],
])('the end of a certificate is found that is shown along with %s', (_, beside, decisive) => {
  expect(validityOf(`${cert}\n${beside}`).notAfter).toEqual(endOf(decisive))
})

test('a root that is shown along does not count, since clients have their own', async () => {
  const own = await certify(root, [dns('mail.corp.example')], { notAfter: 100 })
  expect(validityOf(`${own.cert}\n${root.pem}`).notAfter).toEqual(endOf(own.cert))
})
