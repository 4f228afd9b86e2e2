/** A message that its client has signed is kept as it came, so that its signature still verifies (case M38, RFC 6376). */
import { createHash, generateKeyPairSync, sign, verify } from 'node:crypto'
import { expect, test } from 'vitest'
import { banner, logIn, reply, start, talk } from './clients.ts'

type Form = 'simple' | 'relaxed'
const relaxedLine = (line: string): string => line.replaceAll(/[ \t]+/g, ' ').replace(/ $/, '')

/** The canonical body, by RFC 6376 sections 3.4.3 and 3.4.4. */
function canonicalBody(body: string, form: Form): string {
  const lines = form === 'simple' ? body : body.split('\r\n').map(relaxedLine).join('\r\n')
  return `${lines.replace(/(\r\n)+$/, '')}\r\n`
}

/** The canonical field, by RFC 6376 sections 3.4.1 and 3.4.2. */
function canonicalField(field: string, form: Form): string {
  if (form === 'simple') return field
  const colon = field.indexOf(':')
  const value = relaxedLine(field.slice(colon + 1).replaceAll('\r\n', '')).replace(/^ /, '')
  return `${field.slice(0, colon).trim().toLowerCase()}:${value}\r\n`
}

const fieldsOf = (header: string): readonly string[] => header.match(/[^\r\n]*\r\n(?:[ \t][^\r\n]*\r\n)*/g) ?? []
const nameOf = (field: string): string => field.slice(0, field.indexOf(':')).trim().toLowerCase()
const split = (message: string): [header: string, body: string] => {
  const end = message.indexOf('\r\n\r\n') + 2
  return [message.slice(0, end), message.slice(end + 2)]
}
const signed = ['from', 'to', 'subject', 'date', 'message-id']

function hashed(header: string, signature: string, form: Form): Buffer {
  const fields = fieldsOf(header)
  // Of each name, the last field is the one that is signed (RFC 6376 section 5.4.2).
  const chosen = signed.map((name) => fields.findLast((field) => nameOf(field) === name) ?? '')
  const own = canonicalField(signature.replace(/b=[^;]*$/s, 'b=\r\n'), form).replace(/\r\n$/, '')
  return Buffer.from([...chosen.map((field) => canonicalField(field, form)), own].join(''), 'latin1')
}
const bodyHash = (body: string, form: Form): string =>
  createHash('sha256').update(canonicalBody(body, form), 'latin1').digest('base64')

const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })

function signMessage(message: string, form: Form): string {
  const [header, body] = split(message)
  const tags = `v=1; a=rsa-sha256; c=${form}/${form}; d=corp.example; s=k1;\r\n\th=${signed.join(':')};\r\n\tbh=${bodyHash(body, form)};\r\n\tb=`
  const field = `DKIM-Signature: ${tags}`
  const value = sign('sha256', hashed(header, `${field}\r\n`, form), privateKey).toString('base64')
  return `${field}${value}\r\n${message}`
}

function verifies(message: string): boolean {
  const [header, body] = split(message)
  const signature = fieldsOf(header).find((field) => nameOf(field) === 'dkim-signature') ?? ''
  const form = /c=(simple|relaxed)/.exec(signature)?.[1] as Form
  const tag = (name: string): string =>
    (new RegExp(`[;\\s]${name}=([^;]*)`).exec(signature)?.[1] ?? '').replaceAll(/\s/g, '')
  const rest = header.replace(signature, '')
  return (
    tag('bh') === bodyHash(body, form) &&
    verify('sha256', hashed(rest, signature, form), publicKey, Buffer.from(tag('b'), 'base64'))
  )
}

const message = [
  'From:  App   <noreply@corp.example>',
  'to: <user@elsewhere.example>\t ',
  'SUBJECT: a  folded\r\n\t and   odd\r\n  one',
  'Date: Mon, 05 Jan 2026 10:00:00 +0000',
  'Message-ID:<a@corp.example>',
  'X-Odd:kept',
  '',
  '.a line with a dot  ',
  `${'x'.repeat(1200)} \t`,
  '\xe9 in latin1',
  '',
  '',
  '',
].join('\r\n')

test.each([
  'simple',
  'relaxed',
] as const)('a signature that the client made over the %s form still verifies', async (form) => {
  const { spool, under } = await start()
  const sent = signMessage(message, form)
  expect(verifies(sent)).toBe(true)
  expect(verifies(sent.replace('odd', 'add'))).toBe(false)
  expect(verifies(sent.replace('latin1', 'latin2'))).toBe(false)
  const [, socket] = await banner(under, 'submissions')
  await logIn(socket)
  await talk(socket, 'MAIL FROM:<noreply@corp.example> BODY=8BITMIME', 'RCPT TO:<user@elsewhere.example>', 'DATA')
  socket.write(`${sent.replaceAll('\r\n.', '\r\n..')}.\r\n`, 'latin1')
  expect(await reply(socket)).toMatch(/^250 /)
  const content = spool.kept[0]?.content.toString('latin1') ?? ''
  expect(content.endsWith(sent)).toBe(true)
  expect(verifies(content)).toBe(true)
})
