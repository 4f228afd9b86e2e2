/** Postfix in the race, set up as well as we know how: durable, quick, closed. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { freePort } from '../test/local/free-port.ts'
import { type PostfixParameters, runAsRoot, startPostfixInstance } from '../test/local/postfix.ts'
import type { Contender, Setting } from './contender.ts'

const realm = 'bench.test'

const environment = 'MAIL_CONFIG MAIL_DEBUG MAIL_LOGTAG TZ LANG=C POSTLOG_SERVICE POSTLOG_HOSTNAME'

// OpenSSL sends tickets by itself, and Nagle's algorithm then holds back the next reply until the client acknowledges them, which
// costs each session 40 ms. So it sends none.
const opensslCnf = `openssl_conf = init
[init]
ssl_conf = ssl_sect
[ssl_sect]
system_default = defaults
[defaults]
NumTickets = 0
`

// What a relay for many applications needs, and no limit that would slow it down. The queue keeps Postfix's usual fsyncs:
// nothing here trades safety for speed.
const parameters = (folder: string, sinkPort: number): PostfixParameters => ({
  myhostname: 'postfix.test',
  mynetworks: '',
  // TLS and a login are required before anything else.
  smtpd_tls_security_level: 'encrypt',
  smtpd_tls_auth_only: 'yes',
  smtpd_tls_chain_files: `${folder}/key.pem ${folder}/cert.pem`,
  tls_ssl_options: 'NO_TICKET',
  import_environment: `${environment} OPENSSL_CONF=${folder}/openssl.cnf`,
  smtpd_sasl_auth_enable: 'yes',
  smtpd_sasl_type: 'cyrus',
  smtpd_sasl_path: 'smtpd',
  cyrus_sasl_config_path: `${folder}/sasl`,
  smtpd_relay_restrictions: 'permit_sasl_authenticated reject',
  smtpd_recipient_restrictions: '',
  // Limits that are meant for strangers are off.
  smtpd_client_connection_count_limit: '0',
  smtpd_client_event_limit_exceptions: '127.0.0.0/8',
  max_use: '100000',
  // Delivery as in Relayfleet's configuration: to one host, over 20 connections that are reused.
  relayhost: `[127.0.0.1]:${sinkPort}`,
  smtp_tls_security_level: 'none',
  default_destination_concurrency_limit: '20',
  initial_destination_concurrency: '20',
})

export const startPostfix = (setting: Setting): Promise<Contender> => startPostfixWith(setting, {})

/**
 * Starts it with the parameters of `more` added to main.cf.
 * @throws Error with what Postfix said when it does not start.
 */
export async function startPostfixWith(
  { folder, certificates, sink, trace }: Setting,
  more: PostfixParameters,
): Promise<Contender> {
  const port = await freePort()
  const login = { username: `load@${realm}`, password: 'a-password-for-the-bench' }
  writeFiles(folder, certificates)
  setPassword(folder, login.password)
  const postfix = await startPostfixInstance({
    folder,
    port,
    parameters: { ...parameters(folder, sink.port), ...more },
    trace,
  })
  return {
    name: 'Postfix',
    pid: postfix.pid,
    access: { host: '127.0.0.1', port, tls: 'StartTLS', ca: certificates.ca, login },
    stop: postfix.stop,
  }
}

function writeFiles(folder: string, { cert, key }: Setting['certificates']): void {
  writeFileSync(join(folder, 'openssl.cnf'), opensslCnf)
  writeFileSync(join(folder, 'cert.pem'), cert)
  writeFileSync(join(folder, 'key.pem'), key, { mode: 0o600 })
  const sasl = [
    'pwcheck_method: auxprop',
    'auxprop_plugin: sasldb',
    'mech_list: PLAIN',
    `sasldb_path: ${folder}/sasldb2`,
  ]
  mkdirSync(join(folder, 'sasl'), { recursive: true })
  writeFileSync(join(folder, 'sasl/smtpd.conf'), `${sasl.join('\n')}\n`)
}

function setPassword(folder: string, password: string): void {
  const file = join(folder, 'sasldb2')
  runAsRoot('saslpasswd2', ['-p', '-c', '-f', file, '-u', realm, 'load'], password)
  runAsRoot('chown', ['postfix', file])
}
