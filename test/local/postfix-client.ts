/** Postfix as the mail server of a machine that sends all its mail through a relay, with a client certificate and no login. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { freePort } from './free-port.ts'
import { type Postfix, type PostfixParameters, startPostfixInstance } from './postfix.ts'

type Way = {
  readonly relay: { readonly host: string; readonly port: number; readonly ca: string }
  /** The domain that Postfix's own mail comes from. */
  readonly origin: string
  /** PEM texts. */
  readonly certificate: { readonly cert: string; readonly key: string }
}

/** A Postfix that takes mail of its own machine at `port`. */
export type PostfixClient = Omit<Postfix, 'pid'> & { readonly port: number }

const parameters = (folder: string, { relay, origin }: Way): PostfixParameters => ({
  myhostname: 'machine.test',
  mynetworks: '127.0.0.0/8',
  // The credential must own the domain that Postfix's own messages come from, since the relay checks their From field.
  myorigin: origin,
  relayhost: `[${relay.host}]:${relay.port}`,
  smtp_tls_security_level: 'secure',
  smtp_tls_secure_cert_match: 'localhost',
  smtp_tls_CAfile: `${folder}/ca.pem`,
  smtp_tls_chain_files: `${folder}/client.pem`,
  smtp_tls_loglevel: '1',
})

/**
 * Starts it in a folder of its own.
 * @throws Error with what Postfix said when it does not start.
 */
export async function startPostfixClient(folder: string, way: Way): Promise<PostfixClient> {
  const port = await freePort()
  writeFileSync(join(folder, 'ca.pem'), way.relay.ca)
  writeFileSync(join(folder, 'client.pem'), `${way.certificate.key}\n${way.certificate.cert}\n`, { mode: 0o600 })
  const { log, stop } = await startPostfixInstance({ folder, port, parameters: parameters(folder, way) })
  return { port, log, stop }
}
