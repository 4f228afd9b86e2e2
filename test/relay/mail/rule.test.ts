/** What a rule tells a person to mend names each cause that it can have. */
import { expect, test } from 'vitest'
import { rules } from '../../../relay/mail/rule.ts'

test('the mend for a want of room names the disk, too, which may be full while the queue is empty', () => {
  expect(rules['queue.storage'].mend).toContain('the disk is full')
})
