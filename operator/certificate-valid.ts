/** Whether the certificates of the listeners are valid, and for how much longer: the condition CertificateValid. Pure. */
import type { Condition } from './compile/compiled.ts'
import { few } from './few.ts'
import { toTheSecond } from './lifecycle/to-the-second.ts'

/** All times in milliseconds since the epoch. */
export type Certificates = {
  /** Of each listener of each relay. */
  readonly reported: readonly { readonly listener: string; readonly beginsAt?: number; readonly endsAt: number }[]
  /** The end of the certificate that was issued for the fleet. */
  readonly issuedEndsAt?: number | undefined
  readonly now: number
}

/**
 * When to warn before the end. What the operator issues it renews a month before, so this warns of certificates that people
 * renew.
 */
const soonMs = 14 * 24 * 3_600_000

type Certificate = { readonly what: string; readonly beginsAt: number; readonly endsAt: number }

/**
 * For each listener, when the last of its relays' certificates begins and the first ends; and the certificate that was issued
 * for the fleet. The one that ends first comes first.
 */
function certificatesOf({ reported, issuedEndsAt }: Certificates): readonly Certificate[] {
  const byListener = Map.groupBy(reported, ({ listener }) => listener)
  return [
    ...[...byListener].map(([listener, all]) => ({
      what: `the certificate of listener ${listener}`,
      beginsAt: Math.max(...all.map(({ beginsAt = 0 }) => beginsAt)),
      endsAt: Math.min(...all.map(({ endsAt }) => endsAt)),
    })),
    ...(issuedEndsAt === undefined
      ? []
      : [{ what: 'the certificate that is issued for its listeners', beginsAt: 0, endsAt: issuedEndsAt }]),
  ].toSorted((a, b) => a.endsAt - b.endsAt)
}

/** When the condition changes without any news; milliseconds since the epoch. */
export const certificateMoments = (certificates: Certificates): readonly number[] =>
  certificatesOf(certificates).flatMap(({ beginsAt, endsAt }) => [beginsAt, endsAt - soonMs, endsAt])

const early =
  'put one that is valid already into the Secret that spec.listeners[].tls.certificateRef names, and set the clock right by ' +
  'which this one was made; one that the operator issues it makes anew'
const mend = 'renew the Secret that spec.listeners[].tls.certificateRef names; one that the operator issues it renews'

/** Undefined where no certificate is known. */
export function certificateValidBy(certificates: Certificates): Condition | undefined {
  const { now } = certificates
  const all = certificatesOf(certificates)
  const [first] = all
  if (first === undefined) return undefined
  const over = all.filter(({ endsAt }) => endsAt <= now)
  const later = all.filter(({ beginsAt }) => beginsAt > now)
  const soon = all.filter(({ endsAt }) => endsAt - soonMs <= now)
  if (over.length > 0) return no('CertificateExpired', `${ends(over, 'ended at')}, so clients refuse it; ${mend}`)
  if (later.length > 0)
    return no('CertificateNotYetValid', `${begin(later)}, and until then clients refuse it; ${early}`)
  if (soon.length > 0) return no('CertificateExpiresSoon', `${ends(soon, 'ends at')}; ${mend}`)
  const message = `every certificate is good until ${toTheSecond(first.endsAt)} at least`
  return { type: 'CertificateValid', status: 'True', reason: 'CertificateValid', message }
}

const no = (reason: string, message: string): Condition => ({
  type: 'CertificateValid',
  status: 'False',
  reason,
  message,
})

const ends = (certificates: readonly Certificate[], verb: string): string =>
  few(certificates.map(({ what, endsAt }) => `${what} ${verb} ${toTheSecond(endsAt)}`))

const begin = (certificates: readonly Certificate[]): string =>
  few(certificates.map(({ what, beginsAt }) => `${what} begins at ${toTheSecond(beginsAt)}`))
