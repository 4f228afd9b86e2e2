/**
 * The selectors that a domain's owner delegates once: two of each kind of key, which take turns, and where the record of
 * each is, in a zone that the owner need not touch again.
 */
import type { KeyType } from './dkim-record.ts'
import { fixedSelector, type Naming } from './dkim-selector.ts'

export type DelegatedSelector = {
  readonly selector: string
  /** The name that its own name is an alias of. */
  readonly delegatedTo: string
}

export type Delegated = Readonly<Record<KeyType, readonly DelegatedSelector[]>>

export type Delegating = Pick<Naming, 'prefix' | 'environment'> & {
  readonly domain: string
  readonly targetZone: string
}

/** No label of a domain or a zone begins like this, so it parts the two: no two domains have one name, whatever their zones. */
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

/** Whether a name is one that this selector of this domain may have, in whatever zone. */
export const isDelegatedName = (name: string, selector: string, domain: string): boolean =>
  name.startsWith(`${selector}.${domain}.${mark}.`)

/** Of a name in a target zone, `_dkim.<target zone>`: where to begin to look for the zone that it is in. */
export function aboveMark(name: string): readonly string[] {
  const zone = targetZoneOf(name)
  return zone === undefined ? [] : [`${mark}.${zone}`]
}

/** Undefined where the name is none in a target zone. */
export function targetZoneOf(name: string): string | undefined {
  const at = name.indexOf(`.${mark}.`)
  return at < 0 ? undefined : name.slice(at + mark.length + 2)
}
