/** Headers of mail of the credential that may send as corp.t, and the rules that refuse them. */
import { judgeHeader } from '../../../relay/rules/content.ts'
import { senderRules } from '../policy.ts'
import { facts } from './facts.ts'

export const block = (...lines: readonly string[]): Buffer => Buffer.from(`${lines.join('\r\n')}\r\n\r\n`)

const rest = ['To: you@example.org', 'Subject: hello', 'Date: Mon, 23 Nov 2026 12:00:00 +0000']
export const message = (...lines: readonly string[]): Buffer => block(...lines, ...rest)

export const submission = { ...facts(), reversePath: 'app@corp.t' }

/** The rule that refuses the header; undefined if it is accepted. */
export const ruleOf = (header: Buffer, over: object = {}) =>
  judgeHeader({ ...submission, ...over }, header).refusal?.rule

/** To be put in `over`: what a policy may permit is permitted, or only audited. */
export const inAudit = facts({
  senderRules: senderRules({
    headerFrom: { enforcement: 'Audit', displayNameAddress: 'Allow' },
    alignment: { enforcement: 'Audit', mode: 'Strict' },
  }),
})

export const MAL = 'always.headers'
export const NAME = 'senderRules.headerFrom.displayNameAddress'

export const base64 = (text: string, encoding: BufferEncoding = 'utf8'): string =>
  Buffer.from(text, encoding).toString('base64')
