/** Supervises one process: starts it again when it ends by itself, and leaves none behind when we end. */
import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { type Backoff, backoffMs } from '../backoff.ts'

const restarts: Backoff = { firstMs: 250, longestMs: 30_000 }
/** A process that ran for so long was healthy, so counting its failures begins again. */
const healthyAfterMs = 60_000

export type ChildOptions = {
  readonly command: string
  readonly args: readonly string[]
  /** Milliseconds from SIGTERM to SIGKILL. */
  readonly graceMs: number
  readonly onLine: (line: string, stream: 'stdout' | 'stderr') => void
  /** Called when the process ended without being asked to. */
  readonly onFailure: (failure: Failure) => void
  readonly jitter?: () => number
  readonly healthyMs?: number
}
export type Failure = { readonly how: string; readonly lastWords: string; readonly againInMs: number }

export class Child {
  readonly #options: ChildOptions
  #process: ChildProcess | undefined
  #ended: Promise<void> = Promise.resolve()
  #wanted = false
  #stopping: ChildProcess | undefined
  #failures = 0
  #failure: Failure | undefined
  #again: NodeJS.Timeout | undefined

  constructor(options: ChildOptions) {
    this.#options = options
  }

  /** The process id, while one runs. */
  get pid(): number | undefined {
    return this.#process?.pid
  }

  /** Whether it was started and not stopped since: it runs, or waits to be started again. */
  get wanted(): boolean {
    return this.#wanted
  }

  /** How it last ended without being asked to; undefined again after `isWell` was called. */
  get failure(): Failure | undefined {
    return this.#failure
  }

  isWell(): void {
    this.#failure = undefined
  }

  /** Starts it unless it runs: at once if it waits to be started again, and after its end if it is stopping. */
  start(): void {
    this.#wanted = true
    if (this.#process === undefined) this.#spawn()
  }

  /** SIGTERM, and SIGKILL after the grace; resolves when the process has ended. */
  async stop(): Promise<void> {
    this.#wanted = false
    clearTimeout(this.#again)
    this.#failure = undefined
    const running = this.#process
    if (running === undefined) return
    this.#stopping = running
    running.kill('SIGTERM')
    const kill = setTimeout(() => running.kill('SIGKILL'), this.#options.graceMs)
    await this.#ended
    clearTimeout(kill)
  }

  #spawn(): void {
    clearTimeout(this.#again)
    const { command, args, onLine } = this.#options
    const startedAt = performance.now()
    // The child gets a process group of its own, so that Ctrl-C reaches only us, and we stop it in order. However we end, the
    // pipe on its standard input is closed then, and the child ends by itself.
    const child = spawned(command, args)
    if (child instanceof Error) {
      this.#failed(howItEnded(child.errno ?? null, null), child.message, 0)
      return
    }
    const ended = Promise.withResolvers<void>()
    const complaints: string[] = []
    this.#process = child
    this.#ended = ended.promise
    child.once('error', (error) => complaints.push(error.message))
    child.once('close', (code, signal) => {
      this.#process = undefined
      ended.resolve()
      if (!this.#wanted) return
      if (this.#stopping === child) this.#spawn()
      else this.#failed(howItEnded(code, signal), lastWords(complaints), performance.now() - startedAt)
    })
    // It has no pipes either where there were no file descriptors for them; then its error follows.
    if (child.pid === undefined) return
    child.stdin.on('error', () => {})
    createInterface({ input: child.stdout }).on('line', (line) => onLine(line, 'stdout'))
    createInterface({ input: child.stderr }).on('line', (line) => {
      if (!ofStack.test(line)) complaints.push(line)
      if (complaints.length > keptComplaints) complaints.shift()
      onLine(line, 'stderr')
    })
  }

  #failed(how: string, lastWords: string, ranMs: number): void {
    const { jitter = Math.random, healthyMs = healthyAfterMs } = this.#options
    this.#failures = ranMs >= healthyMs ? 1 : this.#failures + 1
    const againInMs = backoffMs(this.#failures, restarts, jitter())
    this.#failure = { how, lastWords, againInMs }
    this.#options.onFailure(this.#failure)
    this.#again = setTimeout(() => this.#spawn(), againInMs)
  }
}

/** An error where the system said at once that it can not, as without memory for another process; of others there is an event. */
function spawned(command: string, args: readonly string[]) {
  try {
    return spawn(command, args, { detached: true, stdio: ['pipe', 'pipe', 'pipe'] })
  } catch (error) {
    return error as NodeJS.ErrnoException
  }
}

const keptComplaints = 30

/** Lines of the traces that Node prints: of JavaScript, and of its own machine code where it aborts, as without memory. */
const ofStack = /^( {4}at |Node\.js v| *\d+: |-{5} )/

/** The error message in what a process wrote to standard error, without the stack trace around it. */
const lastWords = (complaints: readonly string[]): string =>
  complaints.find((line) => /^(\w*Error|FATAL ERROR)\b/.test(line)) ??
  complaints.findLast((line) => line.trim() !== '') ??
  ''

const howItEnded = (code: number | null, signal: NodeJS.Signals | null): string =>
  signal === null ? `exit code ${code ?? 'unknown'}` : `signal ${signal}`
