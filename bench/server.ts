/** Runs a contestant's server: starts it, waits until it listens, and ends it with all processes that it started. */
import { spawn } from 'node:child_process'
import { openSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { reachable } from '../test/local/receiver.ts'
import { until } from '../test/local/until.ts'
import type { Contender, Setting } from './contender.ts'
import { endTree } from './process-tree.ts'

/** The load's login at every contestant that knows users by a name and a password alone. */
export const login = { username: 'load@corp.test', password: 'a-password-for-the-bench' }

type Server = {
  readonly name: string
  /** Where it listens, on 127.0.0.1. */
  readonly port: number
  /** The program and its arguments; it has to stay in the foreground. */
  readonly command: readonly string[]
  readonly env?: NodeJS.ProcessEnv
}

/** @throws Error with the end of the server's output, when it does not listen in time. */
export async function startServer(
  { folder, certificates, trace = [] }: Setting,
  { name, port, command, env = {} }: Server,
): Promise<Contender> {
  const said = join(folder, 'said.log')
  const out = openSync(said, 'a')
  const [program = '', ...args] = [...trace, ...command]
  const child = spawn(program, args, {
    stdio: ['ignore', out, out],
    detached: true,
    env: { ...process.env, ...env },
  })
  const stop = () => endTree(child, trace.length > 0)
  await until(`${name} listens at ${port}`, () => reachable(port)).catch(async (error: Error) => {
    await stop()
    throw new Error(`${error.message}: ${readFileSync(said, 'utf8').slice(-1000)}`)
  })
  return {
    name,
    pid: child.pid ?? 0,
    access: { host: '127.0.0.1', port, tls: 'StartTLS', ca: certificates.ca, login },
    stop,
  }
}
