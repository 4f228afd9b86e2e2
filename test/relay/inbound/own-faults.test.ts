import { expect, test } from 'vitest'
import { ownFaultsPerSession } from '../../../relay/inbound/limits.ts'
import { OwnFaults } from '../../../relay/inbound/own-faults.ts'
import { refusal } from '../../../relay/mail/rule.ts'

const full = refusal('queue.storage')
const codeOf = (faults: OwnFaults): number => faults.see(full, 'mail', false).said.reply.code

test('a session whose mail is taken now and then is not sent away for what could not be', () => {
  const faults = new OwnFaults()
  for (let n = 1; n < ownFaultsPerSession; n += 1) expect(codeOf(faults)).toBe(full.reply.code)
  faults.accepted()
  for (let n = 1; n < ownFaultsPerSession; n += 1) expect(codeOf(faults)).toBe(full.reply.code)
  expect(codeOf(faults)).toBe(421)
})

test('what follows a refusal that had no line has none either, and behind one that is no fault of ours it has', () => {
  const faults = new OwnFaults()
  const lines = [full, full].map((refused) => faults.see(refused, 'mail', false).hasLine)
  expect(lines).toEqual([true, false])
  expect(faults.see(refusal('always.sequence'), 'rcpt', true).hasLine).toBe(false)
  expect(faults.see(refusal('senderRules.envelopeFrom'), 'mail', false).hasLine).toBe(true)
  expect(faults.see(refusal('always.sequence'), 'rcpt', true).hasLine).toBe(true)
})
