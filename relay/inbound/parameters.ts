/** The parameters of MAIL that we offer, each with the one form that it may have. Pure. */
import type { Refusal } from '../mail/rule.ts'
import { protocol } from './protocol.ts'

export type MailParameters = {
  /** Octets that the client announces; 0 where it does not. */
  readonly size: number
  readonly body: '7BIT' | '8BITMIME'
  readonly smtpUtf8: boolean
}

export type ReadParameters =
  | { readonly kind: 'parameters'; readonly parameters: MailParameters }
  | { readonly kind: 'refused'; readonly refusal: Refusal }

type Reader = (value: string) => Partial<MailParameters> | undefined

// RFC 3461 section 4.
const xtext = /^(?:[!-*,-<>-~]|\+[0-9A-F]{2})+$/

const readers: Readonly<Record<string, Reader>> = {
  // RFC 1870 section 4. That twenty digits are not exact as a number does not matter: no message may be so large.
  SIZE: (value) => (/^\d{1,20}$/.test(value) ? { size: Number(value) } : undefined),
  BODY: (value) => (({ '7BIT': { body: '7BIT' }, '8BITMIME': { body: '8BITMIME' } }) as const)[value.toUpperCase()],
  SMTPUTF8: (value) => (value === '' ? { smtpUtf8: true } : undefined),
  // RFC 4954 section 5: a server that does not trust the client to name the original submitter reads the parameter and ignores it.
  AUTH: (value) => (xtext.test(value) ? {} : undefined),
}

export function readMailParameters(given: ReadonlyMap<string, string>): ReadParameters {
  let parameters: MailParameters = { size: 0, body: '7BIT', smtpUtf8: false }
  for (const [keyword, value] of given) {
    const read = readers[keyword]
    if (!read) return { kind: 'refused', refusal: protocol.unknownParameter }
    const part = read(value)
    if (!part) return { kind: 'refused', refusal: protocol.parameter }
    parameters = { ...parameters, ...part }
  }
  return { kind: 'parameters', parameters }
}
