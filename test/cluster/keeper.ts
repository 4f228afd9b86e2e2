/** Holds one cluster for as long as its standard input is open: however the test run ends, the cluster and its files go. */
import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Choice, Tier } from './choose.ts'
import { openControlPlane } from './control-plane.ts'
import { openGiven } from './given.ts'
import type { Closer, Cluster, Hold } from './held.ts'
import { openTestbed } from './testbed.ts'

const folder = mkdtempSync(join(tmpdir(), 'relayfleet-cluster-'))
const closers: Closer[] = [() => rmSync(folder, { recursive: true, force: true, maxRetries: 5 })]
const hold: Hold = { folder, run: randomUUID().slice(0, 8), atClose: (closer) => void closers.push(closer) }

function open(choice: Choice, tier: Tier): Promise<Cluster> {
  switch (choice.kind) {
    case 'given':
      return openGiven(choice, tier, hold)
    case 'control-plane':
      return openControlPlane(choice.files, hold)
    case 'testbed':
      return openTestbed(choice.program, hold)
    case 'none':
      throw new Error(choice.why)
  }
}

let closing = false
/** Undoes everything, and goes on if one step fails. */
async function close(code: number): Promise<void> {
  if (closing) return
  closing = true
  let failed = code
  for (let closer = closers.pop(); closer !== undefined; closer = closers.pop()) {
    try {
      await closer()
    } catch (error) {
      process.stderr.write(`${String(error)}\n`)
      failed = 1
    }
  }
  process.exit(failed)
}

process.stdin.on('close', () => void close(0)).resume()
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => void close(0))

const [tier, choice] = process.argv.slice(2)
try {
  const cluster = await open(JSON.parse(choice ?? '') as Choice, tier as Tier)
  process.stdout.write(`${JSON.stringify(cluster)}\n`)
} catch (error) {
  if (!closing) process.stderr.write(`${(error as Error).message}\n`)
  await close(1)
}
