/**
 * A flag that coalesces events: callbacks only raise it, as often as they like; the loop lowers it once and looks at everything.
 */

export class Dirty {
  #raised = Promise.withResolvers<void>()

  /** Something may have changed. Never throws, costs nothing, may be called from any callback. */
  mark(): void {
    this.#raised.resolve()
  }

  /** Resolves when the flag is raised, without lowering it: for code that only has to stop waiting then. */
  get raised(): Promise<void> {
    return this.#raised.promise
  }

  /** Resolves when the flag is raised, or the signal aborts, and lowers the flag: a later `mark` raises it again. */
  async next(signal: AbortSignal): Promise<void> {
    const ended = Promise.withResolvers<void>()
    const end = (): void => ended.resolve()
    signal.addEventListener('abort', end)
    if (signal.aborted) end()
    await Promise.race([this.#raised.promise, ended.promise])
    signal.removeEventListener('abort', end)
    this.#raised = Promise.withResolvers<void>()
  }

  /** Like `next`, but waits no longer than `ms`. */
  async nextWithin(ms: number, signal: AbortSignal): Promise<void> {
    const timer = setTimeout(() => this.mark(), ms)
    await this.next(signal)
    clearTimeout(timer)
  }
}
