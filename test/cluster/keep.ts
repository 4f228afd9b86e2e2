/** Starts the process that holds a cluster, and ends it. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Choice, Tier } from './choose.ts'
import type { Cluster } from './held.ts'

export type Kept = { readonly cluster: Cluster; stop(): Promise<void> }

async function firstLine(child: ChildProcess): Promise<string> {
  if (child.stdout === null) throw new Error('the keeper has no output')
  for await (const line of createInterface(child.stdout)) return line
  throw new Error('the cluster did not come up; what went wrong stands above')
}

/** The keeper has a process group of its own, so that an interrupt at the terminal ends the tests first and the cluster after. */
export async function keep(tier: Tier, choice: Choice): Promise<Kept> {
  const keeper = spawn(process.execPath, [join(import.meta.dirname, 'keeper.ts'), tier, JSON.stringify(choice)], {
    stdio: ['pipe', 'pipe', 'inherit'],
    detached: true,
  })
  const cluster = JSON.parse(await firstLine(keeper)) as Cluster
  const stop = async (): Promise<void> => {
    if (keeper.exitCode !== null) return
    const ended = once(keeper, 'exit')
    keeper.stdin?.end()
    const [code] = await ended
    if (code !== 0) throw new Error('the cluster did not go away cleanly; what is left stands above')
  }
  return { cluster, stop }
}
