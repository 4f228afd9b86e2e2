/**
 * A network of a test's own: two network namespaces, `here` and `world`, and a cable between them. In there, port 25 and public
 * addresses are free to use.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { end } from './receiver.ts'
import { skipped } from './skipped.ts'

/** A command to put before another one, which then runs in one of the two namespaces. */
export type Side = readonly string[]
export type Network = { readonly here: Side; readonly world: Side; close(): Promise<void> }

type Addresses = {
  /** Further addresses of the loopback device here. */
  readonly inside: readonly string[]
  /** Addresses in the world. */
  readonly outside: readonly string[]
  /** The address outside that /etc/resolv.conf names here. */
  readonly resolver: string
  /** Further lines of that file. */
  readonly resolverOptions: string
}

/**
 * Whether a suite can run, for `describe.runIf`.
 * @throws Error in CI, where nothing may be skipped.
 */
export function mayUnshare(): boolean {
  try {
    execFileSync('unshare', ['-n', '-m', 'true'], { stdio: 'ignore' })
    return true
  } catch {
    return skipped('a network of its own needs root, for unshare -n -m')
  }
}

/** Makes the network, and a resolv.conf in `folder`. */
export async function openNetwork(
  folder: string,
  { inside, outside, resolver, resolverOptions }: Addresses,
): Promise<Network> {
  const [near, far] = [await holdNamespace(), await holdNamespace()]
  const [here, world] = [sideOf(near), sideOf(far)]
  run(here, 'ip', 'link', 'add', 'cable', 'type', 'veth', 'peer', 'name', 'cable', 'netns', `${far.pid}`)
  for (const address of inside) run(here, 'ip', 'address', 'add', address, 'dev', 'lo')
  for (const address of outside) run(world, 'ip', 'address', 'add', `${address}/32`, 'dev', 'lo')
  run(here, 'ip', 'address', 'add', '198.51.100.1/30', 'dev', 'cable')
  run(world, 'ip', 'address', 'add', '198.51.100.2/30', 'dev', 'cable')
  for (const side of [here, world]) {
    run(side, 'ip', 'link', 'set', 'lo', 'up')
    run(side, 'ip', 'link', 'set', 'cable', 'up')
  }
  run(here, 'ip', 'route', 'add', 'default', 'via', '198.51.100.2')
  writeFileSync(join(folder, 'resolv.conf'), `nameserver ${resolver}\n${resolverOptions}\n`)
  run(here, 'mount', '--bind', join(folder, 'resolv.conf'), '/etc/resolv.conf')
  return { here, world, close: async () => void (await Promise.all([end(near), end(far)])) }
}

/** Starts a process that only keeps its namespaces open. */
async function holdNamespace(): Promise<ChildProcess> {
  const child = spawn('unshare', ['-n', '-m', 'sh', '-c', 'echo ready; exec sleep infinity'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await once(child.stdout, 'data')
  return child
}

const sideOf = ({ pid }: ChildProcess): Side => ['nsenter', '-t', `${pid}`, '-n', '-m']

export function run([program = '', ...before]: Side, ...command: readonly string[]): string {
  return execFileSync(program, [...before, ...command], { encoding: 'utf8' })
}
