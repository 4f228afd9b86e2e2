/** The load as a program of its own (`bench/load`, in Go): what it is told to do, and what it tells. */
import { spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { loadMessage } from '../test/local/load-message.ts'
import type { Access } from '../test/local/smtp-session.ts'

export type LoadOrder = {
  readonly access: Access
  readonly sessions: number
  /** Ends after so many messages, or when no more may begin after so many seconds; one of the two is given. */
  readonly messages?: number
  readonly forSeconds?: number
  readonly bytes: number
  /** Absent: sessions are kept. */
  readonly messagesPerConnection?: number
  readonly pipelined?: boolean
  /** What each connection took is told, too, and the client verifies the certificate. */
  readonly timed?: boolean
}

export type LoadResult = {
  /** Milliseconds since the epoch. */
  readonly began: number
  readonly seconds: number
  /** What the load itself used of a core, in all. */
  readonly cpuSeconds: number
  readonly acknowledged: number
  /** What else a message was told, for the person who reads the failure. */
  readonly others: readonly string[]
  /** Milliseconds from the connection to the answer to QUIT, in the order of their ends; empty unless asked for. */
  readonly connectionsMs: readonly number[]
}

/** A server that does not answer any more ends the run, not the bench. */
const deadlineMs = 300_000
/** Of all contents together. */
const contentsBytes = 2_000_000

let built: string | undefined

/** @throws Error with what go said; in seconds at first, and at once when the compiler has its parts in its cache */
function program(): string {
  if (built !== undefined) return built
  const folder = mkdtempSync(join(tmpdir(), 'relayfleet-load-'))
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
  const file = join(folder, 'load')
  const cwd = join(import.meta.dirname, 'load')
  const { status, stderr, error } = spawnSync('go', ['build', '-o', file, '.'], { cwd, encoding: 'utf8' })
  if (status !== 0) throw new Error(`the load needs Go 1.21 or later (golang-go): ${error?.message ?? stderr}`)
  built = file
  return file
}

function contentsOf(bytes: number): readonly string[] {
  const count = Math.max(1, Math.floor(contentsBytes / bytes))
  return Array.from({ length: count }, (_, n) => {
    const envelope = { id: `m${n}`, reversePath: 'app@corp.test', forwardPaths: ['someone@sink.test'] }
    return `${loadMessage(envelope, bytes).content.toString('latin1')}.\r\n`
  })
}

/** @throws Error when the load does not end, or ends without a result */
export async function carryOut({ bytes, ...order }: LoadOrder): Promise<LoadResult> {
  const child = spawn(program(), { stdio: ['pipe', 'pipe', 'inherit'], timeout: deadlineMs, killSignal: 'SIGKILL' })
  child.stdin.end(JSON.stringify({ ...order, contents: contentsOf(bytes) }))
  const said = await text(child.stdout)
  if (said === '') throw new Error('the load failed, or did not end in time')
  return JSON.parse(said) as LoadResult
}
