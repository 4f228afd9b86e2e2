/** Starts floor-process.ts as if it were a contender, in a Node with the flags of the relay. */
import { spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { nodeFlags } from '../relay/node-flags.ts'
import { freePort } from '../test/local/free-port.ts'
import { end, reachable } from '../test/local/receiver.ts'
import { until } from '../test/local/until.ts'
import type { Contender, Setting } from './contender.ts'

export async function startFloor({ folder, certificates, sink }: Setting): Promise<Contender> {
  const port = await freePort()
  writeFileSync(join(folder, 'cert.pem'), certificates.cert)
  writeFileSync(join(folder, 'key.pem'), certificates.key, { mode: 0o600 })
  const options = ['--port', `${port}`, '--sink', `${sink.port}`, '--folder', folder]
  const flags = nodeFlags(join(import.meta.dirname, '../relay/main.ts'))
  const child = spawn(process.execPath, [...flags, join(import.meta.dirname, 'floor-process.ts'), ...options], {
    stdio: ['ignore', 'inherit', 'inherit'],
  })
  await until(`the floor listens at ${port}`, () => reachable(port))
  const login = { username: 'load', password: 'a-password-for-the-bench' }
  return {
    name: 'floor',
    pid: child.pid ?? 0,
    access: { host: '127.0.0.1', port, tls: 'StartTLS', ca: certificates.ca, login },
    stop: () => end(child),
  }
}
