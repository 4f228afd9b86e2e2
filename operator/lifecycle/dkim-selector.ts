/** The name of a key in DNS: whose, of which environment, of which kind; and since when and unlike any other, or one of two that take turns. */
import type { KeyType } from './dkim-record.ts'

const environments = { Production: 'prod', NonProduction: 'test' } as const
const kinds: Readonly<Record<KeyType, string>> = { rsa: 'rsa', ed25519: 'ed' }

export type Naming = {
  readonly prefix: string
  readonly environment: keyof typeof environments
  /** Milliseconds since the epoch. */
  readonly now: number
  /** Some letters and digits by chance: another cluster may have the same domain, and a name is never used twice. */
  readonly chance: string
}

/** `rf-prod-20270115-rsa-k3f9x`: in the order of text it is in that of days. */
export const newSelector = (type: KeyType, { prefix, environment, now, chance }: Naming): string =>
  [prefix, environments[environment], dayText(now), kinds[type], chance].join('-')

/** `rf-prod-rsa-1`: unlike every new one, whose end has five characters. */
export const fixedSelector = (
  type: KeyType,
  { prefix, environment }: Pick<Naming, 'prefix' | 'environment'>,
  turn: 1 | 2,
): string => [prefix, environments[environment], kinds[type], turn].join('-')

const dayText = (now: number): string => new Date(now).toISOString().slice(0, 10).replaceAll('-', '')
