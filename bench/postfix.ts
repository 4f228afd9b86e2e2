/** Postfix as an instance of its own in a folder, set up as well as we know how: durable, quick, closed. */
import { spawn, spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { freePort } from '../test/local/free-port.ts'
import { programFile } from '../test/local/programs.ts'
import { end, reachable } from '../test/local/receiver.ts'
import { until } from '../test/local/until.ts'
import type { Contender, Setting } from './contender.ts'

const realm = 'bench.test'
const daemons = '/usr/lib/postfix/sbin'

type Parameters = Readonly<Record<string, string>>
type Place = {
  readonly folder: string
  readonly port: number
  readonly sinkPort: number
  /** Of main.cf, besides those of every run. */
  readonly more: Parameters
}

const environment = 'MAIL_CONFIG MAIL_DEBUG MAIL_LOGTAG TZ LANG=C POSTLOG_SERVICE POSTLOG_HOSTNAME'

// The tickets that OpenSSL sends on its own make Nagle hold the next reply until they are acknowledged: 40 ms a session.
const opensslCnf = `openssl_conf = init
[init]
ssl_conf = ssl_sect
[ssl_sect]
system_default = defaults
[defaults]
NumTickets = 0
`

// What a relay for many applications needs, and every limit out of the way that would slow it down. The queue keeps
// its fsyncs, as always with Postfix; nothing here trades safety for speed.
const mainCf = ({ folder, sinkPort, more }: Place): string =>
  Object.entries({
    compatibility_level: '3.6',
    queue_directory: `${folder}/queue`,
    data_directory: `${folder}/data`,
    daemon_directory: daemons,
    command_directory: '/usr/sbin',
    mail_owner: 'postfix',
    setgid_group: 'postdrop',
    myhostname: 'postfix.test',
    mydestination: '',
    mynetworks: '',
    alias_maps: '',
    inet_interfaces: '127.0.0.1',
    inet_protocols: 'ipv4',
    maillog_file: `${folder}/log/mail.log`,
    maillog_file_prefixes: folder,
    // No look-ups that the relay does not make either.
    smtpd_peername_lookup: 'no',
    disable_dns_lookups: 'yes',
    // TLS and a login before anything else.
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
    // Limits that are meant for strangers.
    smtpd_client_connection_count_limit: '0',
    smtpd_client_event_limit_exceptions: '127.0.0.0/8',
    max_use: '100000',
    // The same way out as the relay's: one host, 20 connections, reused.
    relayhost: `[127.0.0.1]:${sinkPort}`,
    smtp_tls_security_level: 'none',
    default_destination_concurrency_limit: '20',
    initial_destination_concurrency: '20',
    ...more,
  })
    .map(([name, value]) => `${name} = ${value}\n`)
    .join('')

// Debian's master.cf without what is not used here, and without chroot, which only costs; a process for each session,
// also where many are idle.
const masterCf = ({ port }: Place): string =>
  [
    `127.0.0.1:${port} inet n - n - 2000 smtpd`,
    'cleanup unix n - n - 0 cleanup',
    'qmgr unix n - n 300 1 qmgr',
    'tlsmgr unix - - n 1000? 1 tlsmgr',
    'rewrite unix - - n - - trivial-rewrite',
    'bounce unix - - n - 0 bounce',
    'defer unix - - n - 0 bounce',
    'trace unix - - n - 0 bounce',
    'flush unix n - n 1000? 0 flush',
    'proxymap unix - - n - - proxymap',
    'smtp unix - - n - - smtp',
    'error unix - - n - - error',
    'retry unix - - n - - error',
    'anvil unix - - n - 1 anvil',
    'scache unix - - n - 1 scache',
    'postlog unix-dgram n - n - 1 postlogd',
    '',
  ].join('\n')

export const startPostfix = (setting: Setting): Promise<Contender> => startPostfixWith(setting, {})

/** @throws Error with what Postfix said when it does not start. */
export async function startPostfixWith(
  { folder, certificates, sink, trace }: Setting,
  more: Parameters,
): Promise<Contender> {
  const place = { folder, port: await freePort(), sinkPort: sink.port, more }
  const login = { username: `load@${realm}`, password: 'a-password-for-the-bench' }
  write(place, certificates)
  setPassword(folder, login.password)
  run('postfix', ['-c', folder, 'check'])
  const master = [join(daemons, 'master'), '-c', folder, '-d']
  const [program = '', ...args] = trace === undefined ? master : [...trace, ...master]
  const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'inherit'], detached: true })
  await until(`Postfix listens at ${place.port}`, () => reachable(place.port)).catch(async (error: Error) => {
    await end(child)
    throw new Error(`${error.message}: ${readFileSync(join(folder, 'log/mail.log'), 'utf8')}`)
  })
  return {
    name: 'Postfix',
    pid: child.pid ?? 0,
    access: { host: '127.0.0.1', port: place.port, tls: 'StartTLS', ca: certificates.ca, login },
    stop: async () => {
      run('postfix', ['-c', folder, 'stop'])
      await end(child)
    },
  }
}

function write(place: Place, { cert, key }: Setting['certificates']): void {
  const { folder } = place
  // Its own users have to get in.
  chmodSync(folder, 0o755)
  for (const name of ['queue', 'data', 'log', 'sasl']) mkdirSync(join(folder, name), { recursive: true })
  run('chown', ['postfix', join(folder, 'data')])
  writeFileSync(join(folder, 'main.cf'), mainCf(place))
  writeFileSync(join(folder, 'master.cf'), masterCf(place))
  writeFileSync(join(folder, 'openssl.cnf'), opensslCnf)
  writeFileSync(join(folder, 'cert.pem'), cert)
  writeFileSync(join(folder, 'key.pem'), key, { mode: 0o600 })
  const sasl = [
    'pwcheck_method: auxprop',
    'auxprop_plugin: sasldb',
    'mech_list: PLAIN',
    `sasldb_path: ${folder}/sasldb2`,
  ]
  writeFileSync(join(folder, 'sasl/smtpd.conf'), `${sasl.join('\n')}\n`)
}

function setPassword(folder: string, password: string): void {
  const file = join(folder, 'sasldb2')
  run('saslpasswd2', ['-p', '-c', '-f', file, '-u', realm, 'load'], password)
  run('chown', ['postfix', file])
}

function run(name: string, args: readonly string[], input = ''): void {
  const { status, stderr } = spawnSync(programFile(name) ?? name, args, { input, encoding: 'utf8' })
  if (status !== 0) throw new Error(`${name} ${args.join(' ')}: ${stderr}`)
}
