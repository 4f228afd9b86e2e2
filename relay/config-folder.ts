/** The folder that holds a relay's configuration: parsed again only where an octet in it has changed. */
import { setImmediate as turn } from 'node:timers/promises'
import { ConfigOctets } from './config-octets.ts'
import { type Draft, draftConfig, type Loaded, loadConfig, sameConfig } from './load.ts'

/** So often at most a folder that changes while it is read is read anew: what it takes away is not to wait without an end. */
const mostReadings = 3

type LastRead = {
  readonly octets: ConfigOctets
  /** What was in force then, whose files are used in place of bad ones. */
  readonly previous: Loaded | undefined
  readonly outcome: Loaded | Error
}

export class ConfigFolder {
  readonly #directory: string
  readonly #now: () => number
  #last: LastRead | undefined

  constructor(directory: string, now = Date.now) {
    this.#directory = directory
    this.#now = now
  }

  /**
   * Loads the configuration. `previous` is what is in force, and is itself returned where the folder still says the same.
   * @throws Error naming the file or field; what ran before stays in force.
   */
  load(previous?: Loaded, draft?: Draft): Loaded {
    const octets = new ConfigOctets(this.#directory)
    const outcome = outcomeOf(() => loadConfig(this.#directory, previous, octets, draft, this.#now()))
    const isSame = !(outcome instanceof Error) && previous !== undefined && sameConfig(outcome, previous)
    this.#last = { octets, previous, outcome: isSame ? previous : outcome }
    return loadedOf(this.#last.outcome)
  }

  /**
   * The same as load, but cheap for the event loop while no octet has changed: then the last outcome is returned, or thrown again
   * where the configuration was refused. What has changed is looked at once more when all of it is read: files that are replaced
   * together, as a username and its password, are not to be one of before and one of now.
   */
  async follow(previous: Loaded): Promise<Loaded> {
    for (let readings = 0; readings < mostReadings; readings += 1) {
      if (await this.#isAsRead(previous)) break
      const draft = outcomeOf(() => draftConfig(this.#directory))
      await turn()
      outcomeOf(() => this.load(previous, draft instanceof Error ? undefined : draft))
    }
    return loadedOf(this.#last?.outcome ?? previous)
  }

  /** Whether the last outcome is about what is in force, and still that of the folder as it is now. */
  async #isAsRead(previous: Loaded): Promise<boolean> {
    if (this.#last === undefined) return false
    const { outcome, previous: before, octets } = this.#last
    return (outcome === previous || before === previous) && this.#holds(outcome) && (await octets.areSame())
  }

  #holds(outcome: Loaded | Error): boolean {
    return outcome instanceof Error || (outcome.holdsAt?.(this.#now()) ?? true)
  }
}

export function outcomeOf<T>(load: () => T): T | Error {
  try {
    return load()
  } catch (error) {
    return error as Error
  }
}

function loadedOf(outcome: Loaded | Error): Loaded {
  if (outcome instanceof Error) throw outcome
  return outcome
}
