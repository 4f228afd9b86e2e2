/** From when credentials, and passwords that were replaced, are refused; for as many as a metric may name. Pure. */
import { isOf, nameIn } from '../compile/snapshot.ts'
import type { Key } from '../lifecycle/keys.ts'
import type { DeclaredObject } from './watch/declared.ts'

export type Expiry = {
  /** namespace/name of the RelayCredential; `other` stands for all that are not named, with the end that comes first. */
  readonly credential: string
  /** What ends: the whole credential (spec.expiresAt), or the first of its older passwords that are still accepted. */
  readonly ends: 'credential' | 'key'
  /** Seconds since the epoch. */
  readonly at: number
}

/** Of each kind of end. */
const mostNamed = 200

/** Sorted by when they end; one that has ended stays in the list until it is mended or deleted. */
export function expiries(declared: readonly DeclaredObject[], most = mostNamed): readonly Expiry[] {
  const all = declared.filter(({ ref }) => isOf(ref, 'RelayCredential')).flatMap(expiriesOf)
  return (['credential', 'key'] as const).flatMap((ends) => {
    const inOrder = all
      .filter((one) => one.ends === ends)
      .toSorted((a, b) => a.at - b.at || (a.credential < b.credential ? -1 : 1))
    const [first] = inOrder.slice(most)
    return [...inOrder.slice(0, most), ...(first === undefined ? [] : [{ ...first, credential: 'other' }])]
  })
}

function expiriesOf(object: DeclaredObject): readonly Expiry[] {
  const credential = nameIn(object.ref)
  const whole =
    object.is === 'valid' && object.resource.kind === 'RelayCredential' ? object.resource.spec.expiresAt : ''
  const keys = (object.status['keys'] ?? []) as readonly Key[]
  const first = Math.min(...keys.flatMap(({ expiresAt }) => secondsOf(expiresAt)))
  return [
    ...secondsOf(whole).map((at) => ({ credential, ends: 'credential' as const, at })),
    ...(first === Number.POSITIVE_INFINITY ? [] : [{ credential, ends: 'key' as const, at: first }]),
  ]
}

function secondsOf(text: string | undefined): readonly number[] {
  const ms = Date.parse(text ?? '')
  return Number.isNaN(ms) ? [] : [ms / 1000]
}
