/** The fate of a message is followed in the log of its relay, from the moment of its submission on. */
import { appendFileSync, mkdirSync, renameSync, writeFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { startFollowing } from '../../../operator/local/follow.ts'
import { stateAt } from '../../../operator/local/state.ts'
import { temporaryFolder } from '../../local/temporary.ts'

const captured = (queueId: string): string => `${JSON.stringify({ msg: 'captured', queueId })}\n`
const soon = (): AbortSignal => AbortSignal.timeout(10_000)

function folder() {
  const fleet = stateAt(temporaryFolder()).fleet('mail/shared')
  mkdirSync(fleet.root, { recursive: true })
  return fleet
}

test('a line that is written later is seen, also when it is written in two pieces', async () => {
  const fleet = folder()
  const follow = startFollowing(fleet)
  const line = captured('q1')
  writeFileSync(fleet.log, line.slice(0, 10))
  // It reads what is there in this turn.
  const following = follow('q1', soon())
  appendFileSync(fleet.log, line.slice(10))
  expect(await following).toEqual({ kind: 'captured' })
})

test('a line that was written before is ignored', async () => {
  const fleet = folder()
  writeFileSync(fleet.log, captured('q1'))
  expect(await startFollowing(fleet)('q1', AbortSignal.abort())).toEqual({ kind: 'unknown' })
})

test('a log that is rotated meanwhile is followed into the new file', async () => {
  const fleet = folder()
  writeFileSync(fleet.log, captured('q0').repeat(10))
  const follow = startFollowing(fleet)
  renameSync(fleet.log, `${fleet.log}.1`)
  writeFileSync(fleet.log, captured('q1'))
  expect(await follow('q1', soon())).toEqual({ kind: 'captured' })
})
