/** The coalescing flag: callbacks only raise it, however often; the loop lowers it once and looks at everything. */

export class Dirty {
  #raised = Promise.withResolvers<void>()

  /** Something may have changed. Never throws, costs nothing, may be called from any callback. */
  mark(): void {
    this.#raised.resolve()
  }

  /** Resolves when the flag is raised, and leaves it so: for whoever only wants to stop waiting. */
  get raised(): Promise<void> {
    return this.#raised.promise
  }

  /** Resolves when the flag is raised, and lowers it, or when the signal ends. What is marked from now on counts anew. */
  async next(signal: AbortSignal): Promise<void> {
    const ended = Promise.withResolvers<void>()
    const end = (): void => ended.resolve()
    signal.addEventListener('abort', end)
    if (signal.aborted) end()
    await Promise.race([this.#raised.promise, ended.promise])
    signal.removeEventListener('abort', end)
    this.#raised = Promise.withResolvers<void>()
  }
}
