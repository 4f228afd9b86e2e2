/**
 * Delegated selectors (decision 0048): the owner adds CNAME records for two selectors of each kind of key once. The keys take
 * turns on the two, and their records are in the target zone, so the owner need not touch the domain's own zone again.
 */
import type { KeyType } from './dkim-record.ts'
import { fixedSelector, type Naming } from './dkim-selector.ts'

export type DelegatedSelector = {
  readonly selector: string
  /** The name in the target zone to which the selector's own name is a CNAME. */
  readonly delegatedTo: string
}

export type Delegated = Readonly<Record<KeyType, readonly DelegatedSelector[]>>

export type Delegating = Pick<Naming, 'prefix' | 'environment'> & {
  readonly domain: string
  readonly targetZone: string
}

/**
 * Separates the domain from the target zone. No label of either begins with an underscore, so two domains can never share a name.
 */
const mark = '_dkim'

const delegatedName = (selector: string, domain: string, targetZone: string): string =>
  `${selector}.${domain}.${mark}.${targetZone}`

export function delegatedSelectors({ domain, targetZone, ...naming }: Delegating): Delegated {
  const of = (type: KeyType): readonly DelegatedSelector[] =>
    ([1, 2] as const).map((turn) => {
      const selector = fixedSelector(type, naming, turn)
      return { selector, delegatedTo: delegatedName(selector, domain, targetZone) }
    })
  return { rsa: of('rsa'), ed25519: of('ed25519') }
}

/** Whether `name` can be where this selector of this domain is delegated to, in any target zone. */
export const isDelegatedName = (name: string, selector: string, domain: string): boolean =>
  name.startsWith(`${selector}.${domain}.${mark}.`)

/** For a name in a target zone: `_dkim.<target zone>`, from where upwards its DNS zone is searched. Empty for any other name. */
export function aboveMark(name: string): readonly string[] {
  const zone = targetZoneOf(name)
  return zone === undefined ? [] : [`${mark}.${zone}`]
}

/** The target zone of a name; undefined where the name is not in one. */
export function targetZoneOf(name: string): string | undefined {
  const at = name.indexOf(`.${mark}.`)
  return at < 0 ? undefined : name.slice(at + mark.length + 2)
}
