/** Why there is no TLS, for the log: without OpenSSL's own lines of code, and in our words where a client was set up wrongly. Pure. */

/** Errors of OpenSSL have a reason beside their message. */
type TlsError = Error & { readonly code?: string; readonly reason?: string }

/** What comes is no record of TLS at all. */
const inClear: ReadonlySet<string> = new Set(['ERR_SSL_WRONG_VERSION_NUMBER', 'ERR_SSL_HTTP_REQUEST'])

export const failureIn = ({ code = '', reason, message }: TlsError): string =>
  inClear.has(code) ? 'the client spoke in clear where its TLS was to begin' : (reason ?? message)
