/** The fields that a relay removes from a header or adds to it, beside which no octet changes. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { mendHeader } from '../../../relay/inbound/mended-header.ts'
import { parseHeader } from '../../../relay/mail/header.ts'

const taking = { hostname: 'relay.example.org', queueId: 'q1', at: Date.UTC(2026, 0, 5, 10, 0, 0) }
const date = 'Date: Mon, 05 Jan 2026 09:00:00 +0000\r\n'
const id = 'Message-ID: <a@b.example>\r\n'
const rest = `${date}${id}From: <a@b.example>\r\n\r\n`

function mended(header: string): string {
  const bytes = Buffer.from(header, 'latin1')
  const parsed = parseHeader(bytes)
  return mendHeader(bytes, parsed.ok ? parsed.fields : [], taking).toString('latin1')
}

test.each([
  ['Bcc', 'Bcc: x@y.example\r\n'],
  ['Bcc in other letter case, folded', 'bCC:\r\n x@y.example,\r\n\tz@y.example\r\n'],
  ['an empty Bcc', 'Bcc:\r\n'],
  ['Resent-Bcc', 'Resent-Bcc: x@y.example\r\n'],
  ['Return-Path', 'Return-Path: <ceo@other.example>\r\n'],
  ['two Return-Path fields', 'Return-Path: <a@b.example>\r\nReturn-Path: <>\r\n'],
])('a field that does not leave is removed, wherever it stands: %s', (_what, field) => {
  expect(mended(`${field}${rest}`)).toBe(rest)
  expect(mended(`${date}${field}${id}From: <a@b.example>\r\n\r\n`)).toBe(rest)
  expect(mended(`${rest.slice(0, -2)}${field}\r\n`)).toBe(rest)
  expect(mended(`${rest.slice(0, -2)}${field}`)).toBe(rest.slice(0, -2))
})

describe('Authentication-Results', () => {
  test.each([
    'relay.example.org; spf=pass',
    'RELAY.example.org. 1; dkim=pass',
    'relay.example.org',
    '\r\n relay.example.org;\r\n\tspf=pass',
    '(comment) relay.example.org; spf=pass',
    'relay.example.org(comment); spf=pass',
    '"relay.example.org"; spf=pass',
    '=?utf-8?q?relay.example.org?=; spf=pass',
    'relay . example . org; spf=pass',
    'relay.\texample.org; spf=pass',
    'relay\r\n .example.org; spf=pass',
    '',
  ])('a field that could be taken for ours is removed: %j', (value) => {
    expect(mended(`Authentication-Results: ${value}\r\n${rest}`)).toBe(rest)
  })

  test.each([
    'mx.example.net; spf=pass',
    'relay.example.org.other.example; spf=pass',
    'xrelay.example.org 1; none',
    'mx.example.net (amavisd-new); dkim=pass',
    'mx.example.net 1(of relay.example.org); dkim=pass',
    'mx.example.net ;dkim=pass',
  ])('a field of another host stays: %j', (value) => {
    const header = `Authentication-Results: ${value}\r\n${rest}`
    expect(mended(header)).toBe(header)
  })
})

test.each([
  ['Date', `${id}From: x\r\n\r\n`, 'Date: Mon, 05 Jan 2026 10:00:00 +0000\r\n'],
  ['Message-ID', `${date}From: x\r\n\r\n`, 'Message-ID: <q1@relay.example.org>\r\n'],
  [
    'Date and Message-ID',
    'From: x\r\n',
    'Date: Mon, 05 Jan 2026 10:00:00 +0000\r\nMessage-ID: <q1@relay.example.org>\r\n',
  ],
])('%s is added where it is missing, before what the client wrote', (_what, header, added) => {
  expect(mended(header)).toBe(added + header)
})

test.each([
  ['Date', 'Date:\r\n', id],
  ['Date, of white space', 'Date: \t \r\n', id],
  ['Message-ID', 'Message-Id:\r\n', date],
  ['Message-ID, brackets around nothing', 'Message-ID: <>\r\n', date],
])('an empty field counts as missing, and is not left beside the one that is added: %s', (_what, empty, other) => {
  const added = other === id ? 'Date: Mon, 05 Jan 2026 10:00:00 +0000\r\n' : 'Message-ID: <q1@relay.example.org>\r\n'
  expect(mended(`${other}${empty}From: x\r\n\r\n`)).toBe(`${added}${other}From: x\r\n\r\n`)
})

test.each([
  'Date: yesterday\r\n',
  'Message-ID: <1>\r\n',
  'Message-ID: 20260105\r\n',
])('a malformed Date or Message-ID stays, since its sender may look for it: %j', (field) => {
  const header = `${field}${field.startsWith('Date') ? id : date}From: x\r\n\r\n`
  expect(mended(header)).toBe(header)
})

test('a header with nothing to mend stays the same, octet for octet', () => {
  const name = fc.constantFrom(
    'Subject',
    'X-Bcc',
    'Received',
    'bcc2',
    'Reply-To',
    'toString',
    '__proto__',
    'constructor',
  )
  const field = fc.tuple(name, fc.stringMatching(/^[ -~\xa0-\xff]{0,40}$/))
  fc.assert(
    fc.property(fc.array(field), (fields) => {
      const header = fields.map(([n, v]) => `${n}: ${v}x\r\n`).join('') + rest
      expect(mended(header)).toBe(header)
    }),
  )
})
