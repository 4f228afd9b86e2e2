/** What ran, less what the configuration that can not take its place has taken away: that waits for nobody (0011). Pure. */
import type { RelayConfig } from '../../relay/config.ts'
import { holdFleet } from './fleet.ts'

/** The very one that ran where nothing was taken away. */
export function lessRevoked(running: RelayConfig, now: RelayConfig): RelayConfig {
  const { credentials, suspended, tokens, brokenDomains } = now
  const before = suspended && !running.suspended ? { ...running, suspended } : running
  const { config } = holdFleet(
    before,
    credentials.map((entry) => ({ entry })),
    {
      policy: undefined,
      said: undefined,
      // All that they have now was compiled in.
      keys: { has: () => true },
      tokens: tokens === undefined ? {} : { tokens },
      broken: brokenDomains === undefined ? {} : { brokenDomains },
    },
  )
  return config ?? before
}
