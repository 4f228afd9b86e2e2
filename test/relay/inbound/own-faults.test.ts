/** A client that is refused again and again for a fault of ours gets few log lines, and is sent away in the end. */
import { expect, test } from 'vitest'
import { ownFaultsPerSession } from '../../../relay/inbound/limits.ts'
import { OwnFaults } from '../../../relay/inbound/own-faults.ts'
import { refusal } from '../../../relay/mail/rule.ts'

const full = refusal('queue.storage')
const codeOf = (faults: OwnFaults): number => faults.see(full, 'mail', false).said.reply.code

test('a session whose mail is taken now and then is not sent away for the mail that could not be taken', () => {
  const faults = new OwnFaults()
  for (let n = 1; n < ownFaultsPerSession; n += 1) expect(codeOf(faults)).toBe(full.reply.code)
  faults.accepted()
  for (let n = 1; n < ownFaultsPerSession; n += 1) expect(codeOf(faults)).toBe(full.reply.code)
  expect(codeOf(faults)).toBe(421)
})

test('a refusal that merely follows another one has a log line if that one had, which one that is no fault of ours always has', () => {
  const faults = new OwnFaults()
  const lines = [full, full].map((refused) => faults.see(refused, 'mail', false).hasLine)
  expect(lines).toEqual([true, false])
  expect(faults.see(refusal('always.sequence'), 'rcpt', true).hasLine).toBe(false)
  expect(faults.see(refusal('senderRules.envelopeFrom'), 'mail', false).hasLine).toBe(true)
  expect(faults.see(refusal('always.sequence'), 'rcpt', true).hasLine).toBe(true)
})
