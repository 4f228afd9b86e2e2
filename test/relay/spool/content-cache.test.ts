/** The contents in memory never take more than they may. */
import { expect, test } from 'vitest'
import { ContentCache } from '../../../relay/spool/content-cache.ts'

test('the oldest contents give way, so that the cache never holds more than it may', () => {
  const cache = new ContentCache(10)
  for (const id of ['a', 'b', 'c']) cache.put(id, Buffer.alloc(4, id))
  expect([cache.get('a'), cache.get('b')?.toString(), cache.get('c')?.toString()]).toEqual([undefined, 'bbbb', 'cccc'])
  expect(cache.bytes).toBe(8)
})

test('a content that is larger than the whole cache is not kept', () => {
  const cache = new ContentCache(10)
  cache.put('a', Buffer.alloc(11))
  expect([cache.get('a'), cache.bytes]).toEqual([undefined, 0])
})

test('a content that is dropped or replaced gives its room back', () => {
  const cache = new ContentCache(10)
  cache.put('a', Buffer.alloc(8))
  cache.put('a', Buffer.alloc(6))
  expect(cache.bytes).toBe(6)
  cache.drop('a')
  cache.drop('a')
  expect([cache.get('a'), cache.bytes]).toEqual([undefined, 0])
})
