/** Every reply leaves with an enhanced status, every refusal with the id of its rule. */
import { expect, test } from 'vitest'
import { protocol } from '../../../relay/inbound/protocol.ts'
import { fromServer, toWire } from '../../../relay/inbound/wire.ts'
import { refusal } from '../../../relay/mail/rule.ts'

test('a refusal becomes the error that smtp-server reads', () => {
  expect(toWire(refusal('always.nul').reply)).toMatchObject({
    responseCode: 554,
    message: '5.6.0 NUL in the message (always.nul)',
  })
})

test.each([
  [220, 'Ready to start TLS', '2.0.0 Ready to start TLS'],
  [250, 'OK', '2.0.0 OK'],
  [354, 'End data with <CR><LF>.<CR><LF>', 'End data with <CR><LF>.<CR><LF>'],
  [550, '5.7.1 ours (senderRules.headerFrom)', '5.7.1 ours (senderRules.headerFrom)'],
] as const)('%d %s goes out as %s', (code, text, expected) => {
  expect(fromServer(code, text)).toEqual({ kind: 'text', text: expected })
})

test.each([
  [421, 'Timeout - closing connection', '421 4.4.2', 'always.idle'],
  [421, 'Error: Command line too long', '500 5.5.2', 'always.syntax'],
  [421, 'relay You talk too soon', '554 5.5.0', 'always.synchronization'],
  [451, 'Error: internal server error', '451 4.3.0', 'always.unavailable'],
  [500, 'Error: command not recognized', '500 5.5.2', 'always.syntax'],
  [501, 'Error: syntax: STARTTLS', '501 5.5.4', 'always.syntax'],
  [503, 'Error: send HELO/EHLO first', '503 5.5.1', 'always.sequence'],
  [503, 'Error: TLS already active', '503 5.5.1', 'always.sequence'],
  [599, 'what a later version may say', '501 5.5.4', 'always.syntax'],
  [499, 'what a later version may say', '451 4.3.0', 'always.unavailable'],
] as const)('%d %s becomes %s by %s', (code, text, start, rule) => {
  const said = fromServer(code, text)
  if (said.kind !== 'refusal') throw new Error('it should be a refusal')
  const { reply } = said.refusal
  expect([`${reply.code} ${reply.status}`, said.refusal.rule]).toEqual([start, rule])
})

test.each(Object.entries(protocol))('%s carries its rule, and a status of its class', (_name, { rule, reply }) => {
  expect(reply.text.endsWith(`(${rule})`)).toBe(true)
  expect(reply.status).toMatch(new RegExp(`^${Math.trunc(reply.code / 100)}\\.\\d\\.\\d+$`))
})
