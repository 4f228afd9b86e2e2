/** Why a handshake failed, in words for the log: our own where the client's setup (or ours) is wrong, else OpenSSL's reason. Pure. */

/** Errors of OpenSSL have a `reason` in a few words; their message also has its source file and line. */
type TlsError = Error & { readonly code?: string; readonly reason?: string }

const inClear = 'the client spoke in clear where its TLS was to begin'
const distrusts =
  'the client does not trust who signed our certificate: give it the ca.crt of its binding, or the listener a certificateRef of an authority that it knows'
const refuses =
  'the client refuses our certificate: it comes by a name that is not in it, or does not trust who signed it'
const tooOld = 'the client has no version of TLS that the listener takes (tls.minVersion)'
const noCipher = "the client has no cipher or signature that is safe and goes with our certificate's kind of key"

const words: Readonly<Record<string, string>> = {
  ERR_SSL_WRONG_VERSION_NUMBER: inClear,
  ERR_SSL_HTTP_REQUEST: inClear,
  ERR_SSL_TLSV1_ALERT_UNKNOWN_CA: distrusts,
  'ERR_SSL_SSL/TLS_ALERT_BAD_CERTIFICATE': refuses,
  'ERR_SSL_SSL/TLS_ALERT_CERTIFICATE_UNKNOWN': refuses,
  'ERR_SSL_SSL/TLS_ALERT_CERTIFICATE_EXPIRED': 'the client says that our certificate has expired, by its clock',
  ERR_SSL_UNSUPPORTED_PROTOCOL: tooOld,
  ERR_SSL_NO_SHARED_CIPHER: noCipher,
  ERR_SSL_NO_SUITABLE_SIGNATURE_ALGORITHM: noCipher,
}

export const failureIn = ({ code = '', reason, message }: TlsError): string => words[code] ?? reason ?? message

export const isInClear = (error: TlsError): boolean => failureIn(error) === inClear

export const notInTime = (): Error =>
  new Error(
    'no handshake in time: on an Implicit listener, a client that is set up for STARTTLS waits for our greeting',
  )

export const proxied = (): Error =>
  new Error('a PROXY protocol header came where TLS was to begin: switch it off at the load balancer')
