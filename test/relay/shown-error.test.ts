/** What the log shows of an error that should not have happened. */
import { expect, test } from 'vitest'
import { shownError } from '../../relay/shown-error.ts'

test('an error is shown with its type, its causes, and the code and number that Node adds', () => {
  const cause = Object.assign(new Error('no space'), { code: 'ENOSPC', errno: -28 })
  const error = new TypeError('not written', { cause })
  expect(shownError(error)).toEqual({
    type: 'TypeError',
    message: 'not written: no space',
    stack: `${error.stack}\ncaused by: ${cause.stack}`,
  })
  expect(shownError(cause)).toMatchObject({ type: 'Error', message: 'no space', code: 'ENOSPC', errno: -28 })
  expect(shownError(new AggregateError([cause], 'all of them'))).toMatchObject({
    message: 'all of them',
    aggregateErrors: [{ code: 'ENOSPC' }],
  })
  expect(shownError('thrown as a text')).toBe('thrown as a text')
})

test('a cause that the message of its error already quotes, as that of a spool that can not be read, is told once', () => {
  const disk = new Error('EIO: i/o error, read')
  const spool = new Error(`message 0a could not be read: ${disk.message}`, { cause: disk })
  const error = new Error('not sent', { cause: spool })
  expect(shownError(error)).toMatchObject({ message: 'not sent: message 0a could not be read: EIO: i/o error, read' })
})

test('whatever is thrown, be it a circle or no object at all, can be logged', () => {
  const circle: { self?: object } = {}
  circle.self = circle
  const error = Object.assign(new Error('odd', { cause: circle }), { circle, big: 1n, code: 'ODD' })
  error.cause = error
  const told = [error, circle, 1n, undefined].map((each) => JSON.stringify(shownError(each)))
  expect(told).toEqual([expect.stringContaining('"code":"ODD"'), undefined, undefined, undefined])
})
