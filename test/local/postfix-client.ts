/** Postfix as the mail server of a machine that sends all its mail through a relay, by a certificate and without a login. */
import { spawn, spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { freePort } from './free-port.ts'
import { programFile } from './programs.ts'
import { end, reachable } from './receiver.ts'
import { until } from './until.ts'

const daemons = '/usr/lib/postfix/sbin'

type Way = {
  readonly relay: { readonly host: string; readonly port: number; readonly ca: string }
  /** PEM texts. */
  readonly certificate: { readonly cert: string; readonly key: string }
}

/** What takes its own machine's mail at `port`, and its log. */
export type PostfixClient = { readonly port: number; log(): string; stop(): Promise<void> }

const mainCf = (folder: string, { relay }: Way): Readonly<Record<string, string>> => ({
  compatibility_level: '3.6',
  queue_directory: `${folder}/queue`,
  data_directory: `${folder}/data`,
  daemon_directory: daemons,
  command_directory: '/usr/sbin',
  mail_owner: 'postfix',
  setgid_group: 'postdrop',
  myhostname: 'machine.test',
  mydestination: '',
  mynetworks: '127.0.0.0/8',
  alias_maps: '',
  inet_interfaces: '127.0.0.1',
  inet_protocols: 'ipv4',
  maillog_file: `${folder}/log/mail.log`,
  maillog_file_prefixes: folder,
  smtpd_peername_lookup: 'no',
  disable_dns_lookups: 'yes',
  relayhost: `[${relay.host}]:${relay.port}`,
  smtp_tls_security_level: 'secure',
  smtp_tls_secure_cert_match: 'localhost',
  smtp_tls_CAfile: `${folder}/ca.pem`,
  smtp_tls_chain_files: `${folder}/client.pem`,
  smtp_tls_loglevel: '1',
})

const masterCf = (port: number): string =>
  [
    `127.0.0.1:${port} inet n - n - - smtpd`,
    'cleanup unix n - n - 0 cleanup',
    'qmgr unix n - n 300 1 qmgr',
    'tlsmgr unix - - n 1000? 1 tlsmgr',
    'rewrite unix - - n - - trivial-rewrite',
    'bounce unix - - n - 0 bounce',
    'defer unix - - n - 0 bounce',
    'trace unix - - n - 0 bounce',
    'proxymap unix - - n - - proxymap',
    'smtp unix - - n - - smtp',
    'error unix - - n - - error',
    'retry unix - - n - - error',
    'anvil unix - - n - 1 anvil',
    'scache unix - - n - 1 scache',
    'postlog unix-dgram n - n - 1 postlogd',
    '',
  ].join('\n')

/** In a folder that is its own. @throws Error with what Postfix said when it does not start. */
export async function startPostfixClient(folder: string, way: Way): Promise<PostfixClient> {
  const port = await freePort()
  // Its own users have to get in.
  chmodSync(folder, 0o755)
  for (const name of ['queue', 'data', 'log']) mkdirSync(join(folder, name), { recursive: true })
  run('chown', ['postfix', join(folder, 'data')])
  const settings = Object.entries(mainCf(folder, way)).map(([name, value]) => `${name} = ${value}\n`)
  writeFileSync(join(folder, 'main.cf'), settings.join(''))
  writeFileSync(join(folder, 'master.cf'), masterCf(port))
  writeFileSync(join(folder, 'ca.pem'), way.relay.ca)
  writeFileSync(join(folder, 'client.pem'), `${way.certificate.key}\n${way.certificate.cert}\n`, { mode: 0o600 })
  run('postfix', ['-c', folder, 'check'])
  const child = spawn(join(daemons, 'master'), ['-c', folder, '-d'], {
    stdio: ['ignore', 'ignore', 'inherit'],
    detached: true,
  })
  const log = (): string => readFileSync(join(folder, 'log/mail.log'), 'utf8')
  await until(`Postfix listens at ${port}`, () => reachable(port)).catch(async (error: Error) => {
    await end(child)
    throw new Error(`${error.message}: ${log()}`)
  })
  return {
    port,
    log,
    stop: async () => {
      run('postfix', ['-c', folder, 'stop'])
      await end(child)
    },
  }
}

function run(name: string, args: readonly string[]): void {
  const { status, stderr } = spawnSync(programFile(name) ?? name, args, { encoding: 'utf8' })
  if (status !== 0) throw new Error(`${name} ${args.join(' ')}: ${stderr}`)
}
