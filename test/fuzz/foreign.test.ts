/** The parsers of Python and aiosmtpd find in what the relay accepts the same that the relay finds. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterAll, describe, expect, test } from 'vitest'
import { ReplyParser } from '../../relay/delivery/reply-parser.ts'
import { readPathLine } from '../../relay/inbound/path-line.ts'
import { parsePath } from '../../relay/mail/address.ts'
import { parseFrom, parseHeader } from '../../relay/mail/header.ts'
import { judgeHeader } from '../../relay/rules/content.ts'
import { installed, python } from '../local/programs.ts'
import { senderRules } from '../relay/policy.ts'
import { facts } from '../relay/rules/facts.ts'
import { diceOf } from './dice.ts'
import { targets } from './targets.ts'

const each = Math.ceil(Number(process.env['RELAYFLEET_FUZZ'] ?? 1_000_000) / 200)
const seed = Number(process.env['RELAYFLEET_SEED'] ?? 20_261_125)

type Asked = { readonly input: string; readonly expected: unknown }

/** So many inputs that the relay accepts, and what it finds in them. */
function accepted(name: string, find: (input: string) => unknown): readonly Asked[] {
  const target = targets.find((t) => t.name === name)
  if (target === undefined) throw new Error(`there is no target ${name}`)
  const dice = diceOf(seed)
  const asked: Asked[] = []
  while (asked.length < each) {
    const input = target.make(dice)
    if (!target.run(input, dice)) continue
    const expected = find(input)
    if (expected !== undefined) asked.push({ input, expected })
  }
  return asked
}

function openForeign() {
  const child = spawn(python, [join(import.meta.dirname, 'foreign.py')], { stdio: ['pipe', 'pipe', 'inherit'] })
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]()
  return {
    async ask(kind: string, inputs: readonly string[]): Promise<readonly unknown[]> {
      child.stdin.write(inputs.map((input) => `${JSON.stringify([kind, input])}\n`).join(''))
      const answers: unknown[] = []
      while (answers.length < inputs.length) answers.push(JSON.parse((await lines.next()).value ?? 'null'))
      return answers
    },
    async stop(): Promise<void> {
      child.stdin.end()
      await once(child, 'exit')
    },
  }
}

const mailbox = (input: string) => {
  const from = parseFrom(input)
  return from.ok ? from.mailbox : undefined
}
const domainOf = (address: string): string => address.slice(address.lastIndexOf('@') + 1)

// Takes away what Python takes for white space, of which NBSP is none.
const trimmed = (line: string): string => line.replace(/^[ \t\n\r\v\f]+|[ \t\n\r\v\f]+$/g, '')

/** Whether a parser of Python failed by a fault of its own, as it does at `Inc.<app@corp.t>`: that is no other reading. */
const fellOver = (answer: unknown): boolean =>
  JSON.stringify(answer) === `{"error":"AttributeError: 'str' object has no attribute 'token_type'"}`

/** A path without quotes and backslashes, which aiosmtpd takes away where it sees no need for them. */
const plain = (path: unknown): string => String(path).replaceAll(/["\\]/g, '')

// Quotes, folds and encoded-words, which are put in any order before the address of the credential.
const nameWords = [
  ...[
    '"',
    '"',
    '\r\n ',
    '\r\n ',
    ' ',
    ' ',
    'app@corp.t',
    'ceo@other.t',
    ' .other.t',
    ' .other.t',
    ' other.t',
    ' other.t',
  ],
  ...[' (x)', '@', '.', ',', '<', '>', '\\', '=?utf-8?q?', '?='],
] satisfies readonly string[]
const nameSamples = [
  '"A,\r\n app@corp.t"',
  '"\r\n app@corp.t,"',
  '"Example\r\n (app@corp.t)"',
  '"app@corp.t" "Example\r\n Billing"',
  '=?utf-8?q? "?=,app@corp.t .t,"',
] satisfies readonly string[]

const questions = [
  [
    'registry',
    'From',
    (input: string) => {
      const found = mailbox(input)
      return found && [[found.localPart, domainOf(found.address)]]
    },
  ],
  [
    'old',
    'From',
    (input: string) => {
      const found = mailbox(input)
      return found && [found.address]
    },
  ],
  [
    'fields',
    'header blocks',
    (input: string) => {
      const parsed = parseHeader(Buffer.from(input, 'latin1'))
      return parsed.ok ? parsed.fields.map(({ name }) => name) : undefined
    },
  ],
  [
    'replies',
    'replies in segments',
    (input: string) => {
      const parser = new ReplyParser()
      parser.push(Buffer.from(input, 'latin1'))
      const found: unknown[] = []
      for (let a = parser.next(); a !== undefined; a = parser.next()) {
        if (a.kind === 'reply') found.push([a.reply.code, a.reply.lines.map((line) => trimmed(line)).join('\n')])
      }
      return found
    },
  ],
] as const

describe.runIf(installed('aiosmtpd'))(`${each} inputs each, seed ${seed}`, () => {
  const foreign = openForeign()
  afterAll(() => foreign.stop())

  test.each(questions)(
    'Python (%s) finds what the relay finds in accepted input of the kind `%s`',
    { timeout: 120_000 },
    async (kind, name, find) => {
      const asked = accepted(name, find)
      const answers = await foreign.ask(
        kind,
        asked.map(({ input }) => input),
      )
      const others = asked.flatMap(({ input, expected }, i) =>
        fellOver(answers[i]) || JSON.stringify(answers[i]) === JSON.stringify(expected)
          ? []
          : [{ input, expected, answer: answers[i] }],
      )
      expect(others.slice(0, 20)).toEqual([])
      expect(answers.filter(fellOver).length).toBeLessThan(each / 20)
    },
  )

  test.each([
    'Reject',
    'Allow',
  ] as const)('Python finds no other domain in a From that the relay accepts with displayNameAddress %s', {
    timeout: 120_000,
  }, async (displayNameAddress) => {
    const allowing = senderRules({ headerFrom: { enforcement: 'Enforce', displayNameAddress } })
    const submission = { ...facts({ senderRules: allowing }), reversePath: 'app@corp.t' }
    const dice = diceOf(seed)
    const asked: string[] = []
    while (asked.length < each) {
      const header = `From: ${dice.below(3) === 0 ? dice.words(nameWords, 9) : dice.near(nameSamples, nameWords)} <app@corp.t>\r\n\r\n`
      if (judgeHeader(submission, Buffer.from(header)).refusal === undefined) asked.push(header)
    }
    const answers = await foreign.ask('senders', asked)
    const others = asked.flatMap((input, i) =>
      (answers[i] as readonly string[]).every((domain) => domain === 'corp.t') ? [] : [{ input, answer: answers[i] }],
    )
    expect(others.slice(0, 20)).toEqual([])
  })

  test('aiosmtpd finds the path that the relay finds in an accepted MAIL or RCPT', { timeout: 120_000 }, async () => {
    const argument = (input: string): string => input.slice(input.indexOf(':') + 1)
    const asked = accepted('path lines and their parameters', (input) => {
      const line = readPathLine(
        input.slice(0, 4).toUpperCase() === 'RCPT' ? 'RCPT' : 'MAIL',
        Buffer.from(input).toString('latin1'),
      )
      return line.kind === 'path' && parsePath(line.path) !== undefined ? line.path : undefined
    })
    const answers = await foreign.ask(
      'path',
      asked.map(({ input }) => argument(input)),
    )
    const others = asked.flatMap(({ input, expected }, i) =>
      plain(answers[i]) === plain(expected) ? [] : [{ input, expected, answer: answers[i] }],
    )
    expect(others.slice(0, 20)).toEqual([])
  })
})
