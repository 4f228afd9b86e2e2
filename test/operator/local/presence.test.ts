import { expect, test } from 'vitest'
import { doubtMs, Presence } from '../../../operator/local/presence.ts'

test('an absence is doubted for a moment, then believed', () => {
  const presence = new Presence(['RelayPolicy mail/shared'])
  expect(presence.missing([], 0)).toEqual(['RelayPolicy mail/shared'])
  expect(presence.missing([], doubtMs - 1)).toEqual(['RelayPolicy mail/shared'])
  expect(presence.missing([], doubtMs)).toEqual([])
  expect(presence.missing([], doubtMs + 1)).toEqual([])
})

test('what comes back in time was never away', () => {
  const presence = new Presence([])
  presence.missing(['a'], 0)
  expect(presence.missing([], 10)).toEqual(['a'])
  expect(presence.missing(['a'], 20)).toEqual([])
  expect(presence.missing([], doubtMs + 10)).toEqual(['a'])
})
