/** Why there is no trusted TLS with a next hop, in words for those who mend it. Pure. */

/** What came was no TLS at all. */
const notTls = 'ERR_SSL_WRONG_VERSION_NUMBER'

/** In TLS 1.3 it comes when our side of the handshake has ended, in the place of the first reply (RFC 8446 section 4.4.2.4). */
export const certificateRequired = 'ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED'

const untrusted =
  'its certificate is of no authority that is trusted here: tls.caRef names its own one; or it does not send its intermediates'
const inClear =
  'it speaks in clear where TLS was to begin: tls.mode Implicit is for ports like 465, StartTLS for 587 and 25'
const behind220 =
  'it goes on in clear behind its 220 to STARTTLS: its own TLS does not work, or somebody on the way puts text in'
const wantsOurs = 'it wants a certificate of its client, and relays show none: let it take a login, or our addresses'
const old = 'it has no TLS 1.2 or later'

const words: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: 'its certificate has expired, or one that vouches for it',
  CERT_NOT_YET_VALID: 'its certificate is not valid yet, or one that vouches for it; or the clock here is wrong',
  DEPTH_ZERO_SELF_SIGNED_CERT: untrusted,
  SELF_SIGNED_CERT_IN_CHAIN: untrusted,
  UNABLE_TO_GET_ISSUER_CERT: untrusted,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: untrusted,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: untrusted,
  CERT_SIGNATURE_FAILURE:
    'its signature is not by the key of the authority that it names; of two authorities with one name in tls.caRef only the ' +
    'first counts, unless their certificates say whose key it is (authority key identifier)',
  INVALID_PURPOSE:
    'its certificate is not for servers (key usage, extended key usage), or one that vouches for it is no authority',
  [notTls]: inClear,
  ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION: old,
  ERR_SSL_UNSUPPORTED_PROTOCOL: old,
  [certificateRequired]: wantsOurs,
  'ERR_SSL_SSL/TLS_ALERT_HANDSHAKE_FAILURE': `it refused the handshake: it knows none of our ciphers, or ${wantsOurs}`,
}

/**
 * The code stands beside them, for who looks it up. Where Node has none, as for weak keys and signatures, OpenSSL's words do.
 * `upgraded`: the server has said that TLS was to begin.
 */
export const inWords = ({ code = 'UNSPECIFIED', message }: NodeJS.ErrnoException, upgraded = false): string => {
  if (code === 'UNSPECIFIED') return message
  const told = upgraded && code === notTls ? behind220 : words[code]
  return told === undefined ? code : `${told} (${code})`
}
