/** Of several acts that are done together, one that fails keeps no other from being done. */
import { expect, test } from 'vitest'
import { together } from '../../relay/together.ts'

const fails = (why: string) => (): never => {
  throw new Error(why)
}

test('all acts are begun in one turn and in their order, also behind one that throws, and those that failed are told at the end', async () => {
  const begun: number[] = []
  let late = false
  const done = together([
    () => begun.push(1),
    fails('no port'),
    () => begun.push(2),
    () => Promise.reject(new Error('no room')),
    () => {
      begun.push(3)
      return new Promise<void>((resolve) => setImmediate(resolve)).then(() => {
        late = true
      })
    },
  ])
  expect(begun).toEqual([1, 2, 3])
  const failed = await done
  expect(failed.map(({ why }) => why)).toEqual(['no port', 'no room'])
  expect(late).toBe(true)
  expect((await together(failed.map(({ act }) => act))).map(({ why }) => why)).toEqual(['no port', 'no room'])
  expect(begun).toEqual([1, 2, 3])
})
