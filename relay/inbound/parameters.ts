/** The parameters of MAIL and RCPT that we offer, each with the one form that it may have. Pure. */
import { embedded } from '../mail/embedded-unicode.ts'
import type { MessageWish, Notify, RecipientWish } from '../mail/report-wishes.ts'
import type { Refusal } from '../mail/rule.ts'
import { copyOf } from './line-text.ts'
import { protocol } from './protocol.ts'

export type MailParameters = MessageWish & {
  /** Octets that the client announces; 0 where it does not. */
  readonly size: number
  readonly body: '7BIT' | '8BITMIME'
  readonly smtpUtf8: boolean
}

export type ReadParameters<T> =
  | { readonly kind: 'parameters'; readonly parameters: T }
  | { readonly kind: 'refused'; readonly refusal: Refusal }

/** `read` is undefined for a value of another form. */
type Readers<T> = Readonly<Record<string, (value: string) => Partial<T> | undefined>>

// RFC 3461 section 4.
const xtext = /^(?:[!-*,-<>-~]|\+[0-9A-F]{2})+$/
/** What it stands for is printable, since it comes to stand in a report (sections 4.2 and 4.4). */
const printable = /^(?:[!-*,-<>-~]|\+[2-6][0-9A-F]|\+7[0-9A-E])+$/
const mostOfEnvid = 100
const mostOfOrcpt = 500

const ofMail: Readers<MailParameters> = {
  // RFC 1870 section 4. That twenty digits are not exact as a number does not matter: no message may be so large.
  SIZE: (value) => (/^\d{1,20}$/.test(value) ? { size: Number(value) } : undefined),
  BODY: (value) => (({ '7BIT': { body: '7BIT' }, '8BITMIME': { body: '8BITMIME' } }) as const)[value.toUpperCase()],
  SMTPUTF8: (value) => (value === '' ? { smtpUtf8: true } : undefined),
  // RFC 4954 section 5: a server that does not trust the client to name the original submitter reads the parameter and ignores it.
  AUTH: (value) => (xtext.test(value) ? {} : undefined),
  RET: (value) => (({ FULL: { ret: 'FULL' }, HDRS: { ret: 'HDRS' } }) as const)[value.toUpperCase()],
  ENVID: (value) => (value.length <= mostOfEnvid && printable.test(value) ? { envid: copyOf(value) } : undefined),
}

const ofRcpt: Readers<RecipientWish> = {
  NOTIFY: (value) =>
    notifies.test(value) ? { notify: [...new Set(value.toUpperCase().split(','))] as Notify[] } : undefined,
  ORCPT: (value) => {
    const orcpt = embedded(value, /[^\x00-\x7f]/)
    const [, type = '', address = ''] = /^([\w!#$%&'*+/?^`{|}~-]+);(.+)$/.exec(orcpt) ?? []
    const isUtf8 = type.toLowerCase() === 'utf-8'
    const isFormed = isUtf8 ? utf8Address.test(address) : orcpt === value && printable.test(address)
    return isFormed && orcpt.length <= mostOfOrcpt ? { orcpt: copyOf(orcpt) } : undefined
  },
}
const notifies = /^(?:NEVER|(?:SUCCESS|FAILURE|DELAY)(?:,(?:SUCCESS|FAILURE|DELAY))*)$/i
// utf-8-addr-xtext (RFC 6533 section 3): `\x{E9}` for what does not stand for itself, and is a character of Unicode.
const hexPoint =
  '2[0B]|3D|5C|7F|[89A-F][0-9A-F]|[1-9A-F][0-9A-F]{2}|[1-9A-CEF][0-9A-F]{3}|D[0-7][0-9A-F]{2}|[1-9A-F][0-9A-F]{4}|10[0-9A-F]{4}'
const utf8Address = new RegExp(`^(?:[!-*,-<>-[\\]-~]|\\\\x\\{(?:${hexPoint})\\})+$`)

const ofMailBefore: MailParameters = { size: 0, body: '7BIT', smtpUtf8: false }

export const readMailParameters = (given: ReadonlyMap<string, string>): ReadParameters<MailParameters> =>
  read(ofMail, ofMailBefore, given)

export const readRcptParameters = (given: ReadonlyMap<string, string>): ReadParameters<RecipientWish> =>
  read(ofRcpt, {}, given)

function read<T>(readers: Readers<T>, before: T, given: ReadonlyMap<string, string>): ReadParameters<T> {
  let parameters = before
  for (const [keyword, value] of given) {
    const reader = readers[keyword]
    if (!reader) return { kind: 'refused', refusal: protocol.unknownParameter }
    const part = reader(value)
    if (!part) return { kind: 'refused', refusal: protocol.parameter }
    parameters = { ...parameters, ...part }
  }
  return { kind: 'parameters', parameters }
}
