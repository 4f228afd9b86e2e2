/** Runs the load, a program of its own in Go (`bench/load`): the order that it reads, and the result that it prints. */
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
  /** Exactly one of the two is given: the load ends after so many messages, or begins none after so many seconds. */
  readonly messages?: number
  readonly forSeconds?: number
  readonly bytes: number
  /** Without it, a session submits until the load ends. */
  readonly messagesPerConnection?: number
  readonly pipelined?: boolean
  /** Also measures how long each connection takes, with a client that verifies the certificate. */
  readonly timed?: boolean
}

export type LoadResult = {
  /** Milliseconds since the epoch. */
  readonly began: number
  readonly seconds: number
  /** The processor time that the load itself used. */
  readonly cpuSeconds: number
  readonly acknowledged: number
  /** What went wrong with each of the others: the reply, or why there was none; for the person who reads the failure. */
  readonly others: readonly string[]
  /**
   * Milliseconds from before each connection to the answer to QUIT, in the order of their ends; empty unless asked for. A
   * connection on which a message was refused counts too, so it is worth reading only if `others` is empty.
   */
  readonly connectionsMs: readonly number[]
}

/** Longer than any run should take: a server that stops answering ends the run and not the bench. */
const deadlineMs = 300_000
/** About so many octets of different contents are prepared; the load submits them in turn. */
const contentsBytes = 2_000_000

let built: string | undefined

/**
 * Builds the load and returns its file. It takes seconds the first time, and next to nothing once Go has the parts in its cache.
 * @throws Error with what go said
 */
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
