/** An object that disappears counts as missing for a moment before it counts as deleted. */
import { expect, test } from 'vitest'
import { doubtMs, Presence } from '../../../operator/local/presence.ts'

test('an object that is gone is listed as missing for a moment, and then no more', () => {
  const presence = new Presence(['RelayPolicy mail/shared'])
  expect(presence.missing([], 0)).toEqual(['RelayPolicy mail/shared'])
  expect(presence.missing([], doubtMs - 1)).toEqual(['RelayPolicy mail/shared'])
  expect(presence.missing([], doubtMs)).toEqual([])
  expect(presence.missing([], doubtMs + 1)).toEqual([])
})

test('an object that comes back in time and goes again is listed as missing anew', () => {
  const presence = new Presence([])
  presence.missing(['a'], 0)
  expect(presence.missing([], 10)).toEqual(['a'])
  expect(presence.missing(['a'], 20)).toEqual([])
  expect(presence.missing([], doubtMs + 10)).toEqual(['a'])
})
