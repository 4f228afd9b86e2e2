/** The parts of a fleet's relays that count limits: each relay has a file and a name of its own, and all share one store. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { LimitStoreConfig } from '../../../relay/config.ts'
import { Allowances } from '../../../relay/limits/allowances.ts'
import { FleetAllowances } from '../../../relay/limits/fleet-allowances.ts'
import { openQuotaFile } from '../../../relay/limits/quota-file.ts'
import type { Counted, Limited } from '../../../relay/rules/limits.ts'
import { until } from '../../local/until.ts'
import { onTestFinished } from '../../own-test.ts'
import { credential, policy } from '../policy.ts'

export const limited = (limits: Partial<Limited['limits']>, name = 'team/app'): Limited => ({
  ...credential({ name }),
  limits: { warnAt: 80, ...limits },
})

/** Long enough for a machine that is busy with other tests; answers that come too late have tests of their own. */
const patientMs = 20_000

export const storeAt = (port: number, over: Partial<LimitStoreConfig> = {}): LimitStoreConfig => ({
  host: '127.0.0.1',
  port,
  database: 0,
  timeoutMs: patientMs,
  tls: { mode: 'Disabled' },
  ...over,
})

export function countingFleet(store: LimitStoreConfig, relays: number, files: Readonly<Record<string, string>> = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'relayfleet-counting-'))
  const running: FleetAllowances[] = []
  onTestFinished(async () => {
    for (const one of running) await one.close()
    rmSync(folder, { recursive: true, force: true })
  })
  const config = policy({ sharing: { relays, store } })

  /** Starts a relay, which begins with what is in its file. */
  function relay(index: number, clocks?: { readonly wall: number; readonly monotonic: number }) {
    const told: string[] = []
    const by = { store: 0, share: 0 }
    const warned: unknown[][] = []
    const own: Allowances = new Allowances({
      events: { quotaApproaching: (...words) => warned.push(words) },
      file: openQuotaFile(join(folder, `quotas-${index}`), () => undefined),
      index,
      sharing: () => config.sharing,
      storeAnswers: () => fleet.answers,
      ...(clocks !== undefined && { wall: () => clocks.wall, monotonic: () => clocks.monotonic }),
    })
    const fleet = new FleetAllowances({
      own,
      relay: `relay-${index}`,
      events: {
        limitStore: (_where, state) => told.push(state?.kind === 'away' ? `away: ${state.why}` : `${state?.kind}`),
        limitsJudged: (judge) => {
          by[judge]++
        },
      },
    })
    running.push(fleet)
    fleet.follow({ config, hash: '', files: new Map(Object.entries(files)) })
    return {
      own,
      fleet,
      told,
      by,
      warned,
      connected: () => until('the store is there', () => fleet.answers),
      away: () => until('the store is away', () => fleet.status()?.state === 'Away'),
      /** Asks for this many messages at once, each to one recipient, and returns how many of them are granted. */
      async taken(of: Counted, messages: number): Promise<number> {
        const asked = Array.from({ length: messages }, () => fleet.take(of, 1))
        const refusals = await Promise.all(asked)
        // Submission waits for this as well, see relay/inbound/counts.ts.
        await fleet.written
        return refusals.filter((refused) => refused === undefined).length
      },
    }
  }
  return { relay, relays: () => Array.from({ length: relays }, (_, i) => relay(i)) }
}
