/** Postfix as an instance of its own in a folder, without chroot and without DNS; its parameters say what it does. */
import { spawn, spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { programFile } from './programs.ts'
import { end, reachable } from './receiver.ts'
import { until } from './until.ts'

const daemons = '/usr/lib/postfix/sbin'

/** Parameters of main.cf by name. */
export type PostfixParameters = Readonly<Record<string, string>>

type Instance = {
  /** A folder of its own, with all files that the parameters name. */
  readonly folder: string
  readonly port: number
  readonly parameters: PostfixParameters
  /** A command line that is put before Postfix's own, e.g. strace. */
  readonly trace?: readonly string[] | undefined
}

export type Postfix = { readonly pid: number; log(): string; stop(): Promise<void> }

const mainCf = ({ folder, parameters }: Instance): string =>
  Object.entries({
    compatibility_level: '3.6',
    queue_directory: `${folder}/queue`,
    data_directory: `${folder}/data`,
    daemon_directory: daemons,
    command_directory: '/usr/sbin',
    mail_owner: 'postfix',
    setgid_group: 'postdrop',
    mydestination: '',
    alias_maps: '',
    inet_interfaces: '127.0.0.1',
    inet_protocols: 'ipv4',
    maillog_file: `${folder}/log/mail.log`,
    maillog_file_prefixes: folder,
    smtpd_peername_lookup: 'no',
    disable_dns_lookups: 'yes',
    ...parameters,
  })
    .map(([name, value]) => `${name} = ${value}\n`)
    .join('')

// Debian's master.cf without the services that are not used here, and with enough processes for 2,000 sessions at once.
const masterCf = ({ port }: Instance): string =>
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

/**
 * Starts it; needs root.
 * @throws Error with the log when it does not listen in time.
 */
export async function startPostfixInstance(instance: Instance): Promise<Postfix> {
  const { folder, port, trace = [] } = instance
  write(instance)
  runAsRoot('postfix', ['-c', folder, 'check'])
  const [program = '', ...args] = [...trace, join(daemons, 'master'), '-c', folder, '-d']
  const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'inherit'], detached: true })
  const log = (): string => readFileSync(join(folder, 'log/mail.log'), 'utf8')
  await until(`Postfix listens at ${port}`, () => reachable(port)).catch(async (error: Error) => {
    await end(child)
    throw new Error(`${error.message}: ${log()}`)
  })
  return {
    pid: child.pid ?? 0,
    log,
    stop: async () => {
      runAsRoot('postfix', ['-c', folder, 'stop'])
      await end(child)
    },
  }
}

function write(instance: Instance): void {
  const { folder } = instance
  // Postfix's own users have to be able to enter.
  chmodSync(folder, 0o755)
  for (const name of ['queue', 'data', 'log']) mkdirSync(join(folder, name), { recursive: true })
  runAsRoot('chown', ['postfix', join(folder, 'data')])
  writeFileSync(join(folder, 'main.cf'), mainCf(instance))
  writeFileSync(join(folder, 'master.cf'), masterCf(instance))
}

/** @throws Error with what the program said. */
export function runAsRoot(name: string, args: readonly string[], input = ''): void {
  const { status, stderr } = spawnSync(programFile(name) ?? name, args, { input, encoding: 'utf8' })
  if (status !== 0) throw new Error(`${name} ${args.join(' ')}: ${stderr}`)
}
