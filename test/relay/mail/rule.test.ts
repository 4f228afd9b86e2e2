import { expect, test } from 'vitest'
import { rules } from '../../../relay/mail/rule.ts'

test('whoever is refused for want of room looks at the disk as well: with an empty queue it is that which is full', () => {
  expect(rules['queue.storage'].mend).toContain('the disk is full')
})
