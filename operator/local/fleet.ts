/** One fleet on this machine: its files and its relay, made as compiled says, kept as it was, or taken away. */
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
import type { State } from './state.ts'

/** Longer than the relay takes for itself, so that SIGKILL is for one that hangs. */
const graceMs = 28_000

/** `freed`: done, and files are gone that a relay may have read until now. */
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
  /** Its only relay is called as the first pod of a fleet is. */
  const relayName = `${basename(folder.root)}-0`
  const isStopped = (): boolean => existsSync(folder.stopped)
  /** Why the last `run` could not be carried out. */
  let trouble: string | undefined
  let queued = 0

  return {
    /** How it stands, by what the relay itself reports, and by the spools that it had before. */
    async observe(before: readonly SpoolRecord[], accepted: readonly string[]): Promise<Standing> {
      const { pid, failure } = child
      const status = pid === undefined ? undefined : await askRelay(folder, pid)
      // The one that answered may have ended meanwhile.
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
      })
      return { ...standing, ...(usage !== undefined && { usage }) }
    },

    /** Never throws: what goes wrong is this fleet's `trouble`, and what ran before runs on. */
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
        return 'failed'
      }
    },
    /** Invalid is not absent: it stays as it is, less the rights that were revoked, and starts from what is on disk. */
    hold(config: RelayConfig | undefined): Ran {
      trouble = undefined
      try {
        if (config !== undefined) replaceFile(folder.configFile, printConfig(config))
      } catch (error) {
        trouble = diskTrouble(error)
      }
      if (existsSync(folder.configFile) && !isStopped() && !child.wanted) child.start()
      return trouble === undefined ? 'done' : 'failed'
    },
    /** The policy was deleted: nothing runs, no secret stays; the spool does. */
    remove(): void {
      if (queued > 0) tell({ level: 'warn', text: strandedText(queued, folder.spool) })
      void child.stop()
      for (const path of [folder.config, folder.endpoints, folder.stopped, join(folder.root, 'last-good.json')]) {
        rmSync(path, { recursive: true, force: true })
      }
    },
    /** Resolves when the relay has ended. */
    async close(): Promise<void> {
      await child.stop()
      log.flush()
    },
  }
}

const strandedText = (queued: number, spool: string): string =>
  `the policy was deleted with ${queued} messages queued; they stay in ${spool} and leave when the policy is back`

function maxAgeIn(config: string | undefined): number {
  try {
    return parseConfig(config ?? '').queue.maxAgeMs
  } catch {
    return Number.POSITIVE_INFINITY
  }
}

const failureText = ({ how, lastWords }: Failure): string =>
  `the relay ended by itself (${how}${lastWords === '' ? '' : `: ${lastWords}`})`
