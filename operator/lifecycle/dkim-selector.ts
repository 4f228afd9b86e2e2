/** Names DKIM selectors: a new one that has never been used, or one of the two fixed ones that are delegated. */
import type { KeyType } from './dkim-record.ts'

const environments = { Production: 'prod', NonProduction: 'test' } as const
const kinds: Readonly<Record<KeyType, string>> = { rsa: 'rsa', ed25519: 'ed' }

export type Naming = {
  readonly prefix: string
  readonly environment: keyof typeof environments
  /** Milliseconds since the epoch. */
  readonly now: number
  /** Random letters and digits: another cluster may have the same domain, and no selector may be used twice. */
  readonly chance: string
}

/** `rf-prod-20270115-rsa-k3f9x`; sorted as text, selectors are in the order of their days. */
export const newSelector = (type: KeyType, { prefix, environment, now, chance }: Naming): string =>
  [prefix, environments[environment], dayText(now), kinds[type], chance].join('-')

/** `rf-prod-rsa-1`; never equal to a new selector, which ends in five random characters. */
export const fixedSelector = (
  type: KeyType,
  { prefix, environment }: Pick<Naming, 'prefix' | 'environment'>,
  turn: 1 | 2,
): string => [prefix, environments[environment], kinds[type], turn].join('-')

const dayText = (now: number): string => new Date(now).toISOString().slice(0, 10).replaceAll('-', '')
