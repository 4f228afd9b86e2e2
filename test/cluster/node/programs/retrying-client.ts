/** A client as applications have it: it keeps a session, retries what was not acknowledged, and notes why. */
import { setTimeout as sleep } from 'node:timers/promises'
import { type Access, SmtpSession, type Step, type Submission } from '../../../local/smtp-session.ts'

const tries = 8
const retryMs = 100
/**
 * A session has to open in this many ticks, since nobody answers packets to a pod that has just gone. Ticks are counted, and
 * not milliseconds, so that a machine that stands still for a while only loses one.
 */
const openTicks = 50
const tickMs = 100

/** What a client saw in a word: the code of a reply, or where something else went wrong, and what. */
const seen = (where: string, error: Error): string =>
  /got (\d{3})/.exec(error.message)?.[1] ?? `${where}: ${(error as NodeJS.ErrnoException).code ?? error.message}`

export class RetryingClient {
  readonly #access: Access
  readonly #messagesPerConnection: number
  readonly #noteRetry: (what: string) => void
  #session: SmtpSession | undefined
  #used = 0
  /** The milliseconds that its slowest session took to open. */
  slowestMs = 0

  constructor(access: Access, messagesPerConnection: number, noteRetry: (what: string) => void) {
    this.#access = access
    this.#messagesPerConnection = messagesPerConnection
    this.#noteRetry = noteRetry
  }

  /** Submits a message, with retries; whether it was acknowledged in the end. */
  async submit(message: Submission): Promise<boolean> {
    for (let n = 0; n < tries; n++) {
      if (n > 0) await sleep(retryMs)
      if (await this.#once(message)) return true
    }
    return false
  }

  async close(): Promise<void> {
    await this.#session?.quit()
  }

  async #once(message: Submission): Promise<boolean> {
    let where = 'connecting'
    try {
      const session = await this.#ready()
      where = 'submitting'
      this.#used += 1
      const { code } = await session.submit(message)
      if (code === 250) return true
      this.#noteRetry(String(code))
    } catch (error) {
      this.#noteRetry(seen(where, error as Error))
    }
    this.#session?.close()
    return false
  }

  async #ready(): Promise<SmtpSession> {
    if (this.#session !== undefined && !this.#session.closed) {
      if (this.#used < this.#messagesPerConnection) return this.#session
      await this.#session.quit()
    }
    this.#session = undefined
    this.#used = 0
    const begin = performance.now()
    this.#session = await inTime((reached) => SmtpSession.open(this.#access, reached))
    this.slowestMs = Math.max(this.slowestMs, Math.round(performance.now() - begin))
    return this.#session
  }
}

/** Opens a session in time. One that opens too late is closed; the error says which step was the last one. */
function inTime(open: (reached: (step: Step) => void) => Promise<SmtpSession>): Promise<SmtpSession> {
  return new Promise((resolve, reject) => {
    let ticks = 0
    let last: Step | 'nothing' = 'nothing'
    const ticking = setInterval(() => {
      ticks += 1
      if (ticks === openTicks) reject(new Error(`no session in time: ${last} was the last that there was of it`))
    }, tickMs)
    open((step) => {
      last = step
    })
      .then((session) => (ticks >= openTicks ? session.close() : resolve(session)), reject)
      .finally(() => clearInterval(ticking))
  })
}
