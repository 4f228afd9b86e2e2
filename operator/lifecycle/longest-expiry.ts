/** How long the relays of any fleet keep mail at most: so long the record of a key may be asked for that signs no more. Pure. */
import type { RelayConfig } from '../../relay/config.ts'

/** Where no fleet says so: what is usual (RFC 5321 section 4.5.4.1). */
const usualMs = 5 * 24 * 3_600_000

export function longestExpiryMs(configs: readonly Pick<RelayConfig, 'routes'>[]): number {
  const times = configs.flatMap(({ routes }) => routes.map(({ retry }) => retry.expireAfterMs))
  return times.length === 0 ? usualMs : Math.max(...times)
}
