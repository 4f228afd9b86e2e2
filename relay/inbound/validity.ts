/** From when until when clients take what a listener shows: its certificate, and what comes along to vouch for it. Pure. */
import { X509Certificate } from 'node:crypto'
import { certificatesIn } from '../rules/certificate.ts'

export type Validity = { readonly notBefore: Date; readonly notAfter: Date }

/**
 * Of its issuers that come along the best counts: many chains bring an old one as well, for clients that know no other. Who
 * vouches for those, and by which of them, the client decides.
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
