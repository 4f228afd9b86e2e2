/**
 * What a configuration signs with while relays can not get all of its keys: a domain of which a key is not there goes on with
 * the keys that it had. Named without its copy, a new key would have mail leave unsigned, or wait. Pure.
 */
import type { RelayConfig, SigningConfig } from '../../../relay/config.ts'

/** `isThere`: whether relays can get the key in that file. The fields stay in their order, since their text is hashed. */
export function withKeysAtHand(
  config: RelayConfig,
  running: Pick<RelayConfig, 'signing'>,
  isThere: (keyFile: string) => boolean,
): RelayConfig {
  if (config.signing === undefined) return config
  const had = (entry: SigningConfig) => running.signing?.find((before) => isSame(before, entry))?.keys
  const signing = config.signing.flatMap((entry): readonly SigningConfig[] => {
    const there = entry.keys.filter(({ keyFile }) => isThere(keyFile))
    if (there.length === entry.keys.length) return [entry]
    const keys = had(entry) ?? there
    // An entry without keys holds the mail of its domain back.
    return keys.length === 0 && entry.whenBroken === 'Warn' ? [] : [{ ...entry, keys }]
  })
  const { signing: _, ...unsigned } = config
  return signing.length === 0 ? unsigned : { ...config, signing }
}

const isSame = (a: SigningConfig, b: SigningConfig): boolean =>
  a.senderDomain === b.senderDomain && a.domain === b.domain
