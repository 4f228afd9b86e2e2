/** A message that changes while it is read is given out as it is by then. */
import { expect, test } from 'vitest'
import type { RecipientState } from '../../../relay/mail/envelope.ts'
import { until } from '../../local/until.ts'
import { accept, contentOf } from './contents.ts'
import { opened } from './failing-spool.ts'

test('a state that becomes durable while its message is read is in what is given out', async () => {
  const { failing, spool } = await opened()
  const { envelope, recipients } = await accept(spool, contentOf(1, 300))
  const queueId = envelope.queueId
  const { promise: goesOn, resolve: goOn } = Promise.withResolvers<void>()
  failing.waiting.set('read journal', goesOn)
  const loading = spool.load(spool.handleOf(queueId) as number)
  await until('it is being read', () => failing.calls.includes('read journal'))
  const delivered = recipients.map((its): RecipientState => ({ ...its, state: 'delivered' }))
  await spool.record(queueId, delivered)
  goOn()
  expect((await loading)?.recipients).toEqual(delivered)
})
