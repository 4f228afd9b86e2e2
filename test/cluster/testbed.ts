/** A cluster with a node, which a program compiles and starts on this machine; only one at a time, as its addresses are fixed. */
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { networkInterfaces, tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { readAccess } from './access.ts'
import type { Cluster, Hold } from './held.ts'

/** Always the same folder, so that the next start clears away what is left there after a power loss. */
const state = join(tmpdir(), 'relayfleet-testbed')

/** The folder of its programs, out of the environment that it prints. */
const binOf = (exports: string): string => /KUBEBUILDER_ASSETS=(\S+)/.exec(exports)?.[1] ?? ''

async function up(program: string, env: NodeJS.ProcessEnv, { atClose }: Hold): Promise<void> {
  if (networkInterfaces()['testbed0'] !== undefined && !existsSync(state)) {
    throw new Error(`another ${program} is up on this machine, and its addresses are fixed; end that one first`)
  }
  // A process group of its own, so that all processes of a start that is cut short can be ended. It prints where we do.
  const starting = spawn(program, ['up'], { env, detached: true, stdio: ['ignore', process.stderr, process.stderr] })
  atClose(() => promisify(execFile)(program, ['down'], { env }).then(() => undefined))
  atClose(() => {
    if (starting.exitCode === null && starting.pid !== undefined) process.kill(-starting.pid, 'SIGKILL')
  })
  const [code] = await once(starting, 'exit')
  if (code !== 0) throw new Error(`${program} up ended with ${code}`)
}

export async function openTestbed(program: string, hold: Hold): Promise<Cluster> {
  const env = { ...process.env, TESTBED_STATE: state }
  await up(program, env, hold)
  const bin = binOf((await promisify(execFile)(program, ['env'], { env })).stdout)
  const kubectl = join(bin, 'kubectl')
  const kubeconfig = join(state, 'admin.kubeconfig')
  return {
    tier: 'node',
    run: hold.run,
    kubeconfig,
    kubectl,
    access: await readAccess(kubectl, kubeconfig),
    controllers: true,
    imageLoader: [join(bin, 'ctr'), '-a', join(state, 'containerd.sock'), '-n', 'k8s.io', 'images', 'import'],
  }
}
