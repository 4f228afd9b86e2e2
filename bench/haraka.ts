/** Haraka from npm, as a relay with its own queue on the disk, set up as well as we know how: durable, quick, closed. */
import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { freePort } from '../test/local/free-port.ts'
import { programFile } from '../test/local/programs.ts'
import type { Contender, Setting } from './contender.ts'
import { login, startServer } from './server.ts'

export const harakaVersion = '3.3.4'
const installMs = 180_000

/**
 * Installs it into `folder`, and nothing of it into the project.
 * @throws Error with what npm said.
 */
export function installHaraka(folder: string): void {
  mkdirSync(folder, { recursive: true })
  const options = ['--ignore-scripts', '--no-audit', '--no-fund', '--prefix', folder]
  const { status, stderr, error } = spawnSync('npm', ['install', ...options, `Haraka@${harakaVersion}`], {
    encoding: 'utf8',
    timeout: installMs,
  })
  if (status !== 0) throw new Error(`npm install Haraka@${harakaVersion}: ${error?.message ?? stderr.slice(-500)}`)
}

type Place = { readonly port: number; readonly sinkPort: number }

// Clients need TLS and a login; mail goes through Haraka's own queue, which writes and fsyncs one file for each message.
const files = ({ port, sinkPort }: Place): Readonly<Record<string, string>> => ({
  me: 'haraka.test',
  plugins: 'tls\nauth/flat_file\nway-out',
  'smtp.ini': `listen=127.0.0.1:${port}\nnodes=0\n`,
  'auth_flat_file.ini': `[core]\nmethods=PLAIN\n[users]\n${login.username}=${login.password}\n`,
  // 20 deliveries at once, as with all contestants; Haraka opens a connection for each message, which can not be changed.
  'outbound.ini': 'concurrency_max=20\nenable_tls=false\nlocal_mx_ok=true\n',
  'log.ini': '[main]\nlevel=info\n',
  'way-out.ini': `port=${sinkPort}\n`,
})

// A plugin tells Haraka's queue the one host that all mail goes to.
const wayOut = `exports.hook_get_mx = function (next) {
  const { main } = this.config.get('way-out.ini')
  next(OK, { priority: 0, exchange: '127.0.0.1', port: main.port })
}
`

export const startHaraka =
  (installed: string) =>
  async (setting: Setting): Promise<Contender> => {
    const { folder, certificates, sink } = setting
    const port = await freePort()
    cpSync(join(installed, 'node_modules/Haraka/config'), join(folder, 'config'), { recursive: true })
    write(folder, { port, sinkPort: sink.port }, certificates)
    const command = [process.execPath, join(installed, 'node_modules/Haraka/haraka.js'), '-c', folder]
    return await startServer(setting, { name: 'Haraka', port, command, env: { HARAKA: folder } })
  }

function write(folder: string, place: Place, { cert, key }: Setting['certificates']): void {
  for (const name of ['config', 'plugins', 'queue']) mkdirSync(join(folder, name), { recursive: true })
  for (const [name, text] of Object.entries(files(place))) writeFileSync(join(folder, 'config', name), text)
  writeFileSync(join(folder, 'config/tls_cert.pem'), cert)
  writeFileSync(join(folder, 'config/tls_key.pem'), key, { mode: 0o600 })
  writeFileSync(join(folder, 'plugins/way-out.js'), wayOut)
  // Without this file, Haraka generates Diffie-Hellman parameters itself while the first client waits.
  const group = ['genpkey', '-genparam', '-algorithm', 'DH', '-pkeyopt', 'group:ffdhe2048']
  spawnSync(programFile('openssl') ?? 'openssl', [...group, '-out', join(folder, 'config/dhparams.pem')])
}
