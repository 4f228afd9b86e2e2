/** One fleet in local mode: its files and its relay process, which are made as compiled, held as they are, or removed. */
import { existsSync, rmSync } from 'node:fs'
import { basename, join } from 'node:path'
import { configHash, parseConfig, printConfig, type RelayConfig } from '../../relay/config.ts'
import type { Name } from '../compile/snapshot.ts'
import { type SpoolRecord, spoolsNow } from '../spools.ts'
import type { Standing } from '../standing.ts'
import { waitingIn } from '../waiting.ts'
import { Child, type Failure } from './child.ts'
import { diskTrouble } from './disk-trouble.ts'
import { replaceFile, textOf } from './files.ts'
import { type FileSources, type RunningFleet, writeFleet } from './fleet-files.ts'
import { relayCommand } from './relay-command.ts'
import { type RelayLine, tellLine } from './relay-line.ts'
import { RelayLog } from './relay-log.ts'
import { askRelay, askUsage } from './relay-status.ts'
import { standingOf } from './standing.ts'
import type { FleetFolder, State } from './state.ts'

/** Longer than the relay allows itself to stop, so that only a relay that hangs is killed. */
const graceMs = 28_000

/** `freed`: done, and files that the relay no longer uses were removed. */
export type Ran = 'done' | 'freed' | 'failed'

export type LocalFleet = ReturnType<typeof localFleet>

export function localFleet(state: State, name: Name, tell: (line: RelayLine) => void) {
  const folder = state.fleet(name)
  const log = new RelayLog(folder.log)
  const child = new Child({
    ...relayCommand(folder),
    graceMs,
    onLine: (line, stream) => {
      log.write(line)
      const told = stream === 'stdout' ? tellLine(line, state.root) : undefined
      if (told !== undefined) tell(told)
    },
    onFailure: (failure) => {
      const again = `starts again in ${(failure.againInMs / 1000).toFixed(1)} s`
      tell({ level: 'error', text: `${failureText(failure)}; ${again}` })
    },
  })
  /** A local fleet has one relay, named like the first pod of a fleet in a cluster. */
  const relayName = `${basename(folder.root)}-0`
  const isStopped = (): boolean => existsSync(folder.stopped)
  /** Why the last `run` or `hold` failed. */
  let trouble: string | undefined
  let queued = 0
  /** Starts the relay with what is on disk, unless it runs or the fleet was stopped. */
  const goOn = (): void => {
    if (existsSync(folder.configFile) && !isStopped() && !child.wanted) child.start()
  }

  return {
    /** Asks the relay how the fleet is. `before` are the spools that it had, `accepted` the ids that a person has accepted. */
    async observe(before: readonly SpoolRecord[], accepted: readonly string[]): Promise<Standing> {
      const { pid, failure } = child
      const status = pid === undefined ? undefined : await askRelay(folder, pid)
      // The process that answered may have ended since; another one is not well because of its answer.
      if (status !== undefined && pid === child.pid) child.isWell()
      if (status !== undefined) queued = waitingIn(status.queue)
      const usage = status === undefined ? undefined : await askUsage(folder, pid)
      const config = textOf(folder.configFile)
      const standing = standingOf({
        trouble,
        stopped: isStopped(),
        hash: config === undefined ? undefined : configHash(config),
        maxAgeMs: maxAgeIn(config),
        failure: failure && failureText(failure),
        status,
        spools: spoolsNow(before, [{ name: relayName, id: status?.spoolId }], accepted),
        spool: folder.spool,
        log: folder.log,
        now: Date.now(),
      })
      return { ...standing, ...(usage !== undefined && { usage }) }
    },

    /** Never throws: an error becomes this fleet's `trouble`, and the relay goes on as before. */
    async run(fleet: RunningFleet, sources: FileSources): Promise<Ran> {
      try {
        const { changed, freed } = await writeFleet(folder, fleet, sources)
        trouble = undefined
        if (fleet.replicas === 0) replaceFile(folder.stopped, '')
        else rmSync(folder.stopped, { force: true })
        if (fleet.replicas === 0) void child.stop()
        else if (changed || !child.wanted) child.start()
        return freed ? 'freed' : 'done'
      } catch (error) {
        trouble = diskTrouble(error)
        // Also where we have just started: mail is queued, and the last configuration wins over none.
        if (fleet.replicas > 0) goOn()
        return 'failed'
      }
    },
    /**
     * For an invalid policy: the relay stays, or starts, with what is on disk; `config` is that without revoked rights, if there
     * are any.
     */
    hold(config: RelayConfig | undefined): Ran {
      trouble = undefined
      try {
        if (config !== undefined) replaceFile(folder.configFile, printConfig(config))
      } catch (error) {
        trouble = diskTrouble(error)
      }
      goOn()
      return trouble === undefined ? 'done' : 'failed'
    },
    /**
     * For a deleted policy: stops the relay and removes its configuration with all secrets; the spool, the inbox and the log
     * stay.
     */
    remove(): void {
      if (queued > 0) tell({ level: 'warn', text: strandedText(queued, folder.spool) })
      void child.stop()
      forget(folder)
    },
    /** Resolves when the relay has ended. */
    async close(): Promise<void> {
      await child.stop()
      log.flush()
    },
  }
}

/** Removes a configuration with all secrets, as far as it is there; the spool, the inbox and the log stay. */
export function forget({ root, config, endpoints, stopped }: FleetFolder): void {
  for (const path of [config, endpoints, stopped, join(root, 'last-good.json')]) {
    rmSync(path, { recursive: true, force: true })
  }
}

const strandedText = (queued: number, spool: string): string =>
  `the policy was deleted with ${queued} messages queued; they stay in ${spool}, and are delivered if the policy is declared again`

function maxAgeIn(config: string | undefined): number {
  try {
    return parseConfig(config ?? '').queue.maxAgeMs
  } catch {
    return Number.POSITIVE_INFINITY
  }
}

const failureText = ({ how, lastWords }: Failure): string =>
  `the relay ended by itself (${how}${lastWords === '' ? '' : `: ${lastWords}`})`
