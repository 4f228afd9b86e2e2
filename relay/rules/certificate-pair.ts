/** What is wrong with the certificate and key of a listener, in words that hold nothing of their text. Pure. */
import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto'
import { createSecureContext } from 'node:tls'
import type { ListenerConfig } from '../config.ts'
import { isEncrypted, withoutPassphrase } from '../mail/signing-key.ts'

/** Undefined where the pair can be used. `files`: texts by path. */
export function pairProblem(
  { certificateFile, keyFile }: Pick<ListenerConfig['tls'], 'certificateFile' | 'keyFile'>,
  files: ReadonlyMap<string, string>,
): string | undefined {
  // Node takes an empty text for a certificate or key that was not given, and then finds nothing wrong.
  const empty = [certificateFile, keyFile].find((path) => !files.get(path))
  if (empty !== undefined) return `${empty} is empty`
  const [cert = '', key = ''] = [files.get(certificateFile), files.get(keyFile)]
  try {
    createSecureContext({ cert, key })
    const certificate = new X509Certificate(cert)
    // OpenSSL takes a key of another kind than the certificate's without an error, and then no handshake succeeds.
    if (!certificate.checkPrivateKey(createPrivateKey(key))) return foreignKey(certificateFile, keyFile)
    return uselessness(certificateFile, certificate)
  } catch (error) {
    if (isEncrypted(key)) return `${keyFile}: ${withoutPassphrase}`
    const { code = '', message } = error as NodeJS.ErrnoException
    return problems[code]?.(certificateFile, keyFile) ?? message
  }
}

/** Why a pair that OpenSSL accepts is of no use: no client could make TLS with it, or none that verifies the server. */
function uselessness(path: string, { publicKey, keyUsage }: X509Certificate): string | undefined {
  if (publicKey.asymmetricKeyType === 'dsa' || (publicKey.asymmetricKeyType === 'ec' && !onUsedCurve(publicKey)))
    return `no client makes TLS with the key of ${path}: it needs ECDSA on P-256, P-384 or P-521, RSA or Ed25519`
  // A certificate without the extension is for everything (RFC 5280 section 4.2.1.12).
  return (keyUsage as readonly string[] | undefined)?.some((purpose) => forServers.has(purpose)) === false
    ? `${path} is not for servers: its extended key usage has no serverAuth`
    : undefined
}

const forServers: ReadonlySet<string> = new Set(['1.3.6.1.5.5.7.3.1', '2.5.29.37.0'])

/**
 * The curves for ECDSA that TLS 1.3 has (RFC 8446 section 4.2.3), and that clients of TLS 1.2 offer without being set up for it.
 */
const usedCurves: ReadonlySet<string> = new Set(['prime256v1', 'secp384r1', 'secp521r1'])
const onUsedCurve = ({ asymmetricKeyDetails }: KeyObject): boolean =>
  usedCurves.has(asymmetricKeyDetails?.namedCurve ?? '')

function foreignKey(certificate: string, key: string): string {
  return `${key} is not the key of the first certificate in ${certificate}, which has to be the server's own; those that vouch for it follow`
}

/** Errors of OpenSSL in words that name the file; all others keep OpenSSL's own message. */
const problems: Readonly<Record<string, (certificate: string, key: string) => string>> = {
  ERR_OSSL_X509_KEY_VALUES_MISMATCH: foreignKey,
  ERR_OSSL_PEM_NO_START_LINE: (certificate) => `${certificate} holds no certificate in PEM`,
  ERR_OSSL_PEM_BAD_END_LINE: (certificate) =>
    `a certificate in ${certificate} is cut off, or its last line goes on with the next one`,
  ERR_OSSL_UNSUPPORTED: (_, key) => `${key} holds no private key in PEM`,
  ERR_SSL_EE_KEY_TOO_SMALL: (certificate) => `the key of ${certificate} is too short: of RSA, 2048 bits are the least`,
}
