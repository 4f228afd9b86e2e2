/** From when until when clients accept what a listener shows: its certificate and the issuers that come with it. Pure. */
import { X509Certificate } from 'node:crypto'
import { certificatesIn } from '../rules/certificate.ts'

export type Validity = { readonly notBefore: Date; readonly notAfter: Date }

/**
 * `chain`: the certificate first, then those that vouch for it, in PEM. Of several certificates of its issuer the earliest begin and
 * the latest end count, since many chains also bring an old one, for old clients. Those further up are the client's to choose.
 */
export function validityOf(chain: string): Validity {
  const leaf = new X509Certificate(chain)
  const issuers = certificatesIn(chain).filter((c) => leaf.checkIssued(c) && !c.checkIssued(c))
  const own = { notBefore: leaf.validFromDate, notAfter: leaf.validToDate }
  if (issuers.length === 0) return own
  const begin = issuers.map((c) => c.validFromDate.getTime())
  const end = issuers.map((c) => c.validToDate.getTime())
  return {
    notBefore: new Date(Math.max(own.notBefore.getTime(), Math.min(...begin))),
    notAfter: new Date(Math.min(own.notAfter.getTime(), Math.max(...end))),
  }
}
