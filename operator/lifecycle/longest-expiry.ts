/**
 * How long relays of any fleet keep mail at most: for so long, receivers may ask for the record of a key that no longer signs.
 * Pure.
 */
import type { RelayConfig } from '../../relay/config.ts'

/** Where there is no fleet: the usual time (RFC 5321 section 4.5.4.1). */
const usualMs = 5 * 24 * 3_600_000

export function longestExpiryMs(configs: readonly Pick<RelayConfig, 'routes'>[]): number {
  const times = configs.flatMap(({ routes }) => routes.map(({ retry }) => retry.expireAfterMs))
  return times.length === 0 ? usualMs : Math.max(...times)
}
