/** While one batch is written, all that comes is gathered for the next, and each is told how its own batch went. */
import { expect, test } from 'vitest'
import { shared } from '../../../relay/spool/group-commit.ts'

/** A deed that the test ends by hand. */
function byHand() {
  const batches: { readonly items: readonly string[]; readonly end: (error?: Error) => void }[] = []
  const deed = (items: readonly string[]) =>
    new Promise<void>((resolve, reject) => {
      batches.push({ items: [...items], end: (error) => (error ? reject(error) : resolve()) })
    })
  return { batches, deed }
}
const turn = () => new Promise((resolve) => setImmediate(resolve))

test('while one batch is under way, everything else shares the next', async () => {
  const { batches, deed } = byHand()
  const work = shared(deed)
  const first = work.add('a')
  await turn()
  const others = Promise.all(['b', 'c', 'd'].map((item) => work.add(item)))
  await turn()
  expect(batches.map((b) => b.items)).toEqual([['a']])
  batches[0]?.end()
  await first
  await turn()
  expect(batches.map((b) => b.items)).toEqual([['a'], ['b', 'c', 'd']])
  batches[1]?.end()
  await others
})

test('nothing is told as done before its own batch is', async () => {
  const { batches, deed } = byHand()
  const work = shared(deed)
  const told: string[] = []
  void work.add('a').then(() => told.push('a'))
  await turn()
  void work.add('b').then(() => told.push('b'))
  batches[0]?.end()
  await turn()
  expect(told).toEqual(['a'])
  batches[1]?.end()
  await turn()
  expect(told).toEqual(['a', 'b'])
})

test('a batch that fails fails for all that is in it, and for nothing else', async () => {
  const { batches, deed } = byHand()
  const work = shared(deed)
  const failing = Promise.allSettled([work.add('a'), work.add('b')])
  await turn()
  const next = work.add('c')
  batches[0]?.end(new Error('EIO'))
  expect((await failing).map((r) => r.status)).toEqual(['rejected', 'rejected'])
  await turn()
  batches[1]?.end()
  await expect(next).resolves.toBeUndefined()
})

test('a batch that is full is followed by another, in their order', async () => {
  const { batches, deed } = byHand()
  const work = shared(deed, (item) => item.length, 4)
  const all = Promise.all(['aa', 'bb', 'cc', 'ddddd', 'e'].map((item) => work.add(item)))
  for (const items of [['aa', 'bb'], ['cc', 'ddddd'], ['e']]) {
    await turn()
    expect(batches.at(-1)?.items).toEqual(items)
    batches.at(-1)?.end()
  }
  await all
  expect(batches).toHaveLength(3)
})

test('idle waits for the batch that is being gathered, too', async () => {
  const { batches, deed } = byHand()
  const work = shared(deed)
  void work.add('a')
  await turn()
  void work.add('b')
  let idle = false
  void work.idle().then(() => {
    idle = true
  })
  batches[0]?.end()
  await turn()
  expect(idle).toBe(false)
  batches[1]?.end()
  await turn()
  expect(idle).toBe(true)
})
