/** The table of queue ids finds the handle of an id as a Map does. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { IdTable } from '../../../relay/spool/id-table.ts'

const queueId = fc.stringMatching(/^[0-9A-Za-z]{10,16}$/)

type Step = readonly ['add' | 'delete', number]

/** Takes one step on the table and on the model. */
function step([what, n]: Step, ids: readonly string[], table: IdTable, model: Map<string, number>): void {
  const id = ids[n] ?? ''
  const handle = model.get(id)
  if (what === 'add' && handle === undefined) model.set(id, table.add(id))
  if (what === 'delete' && handle !== undefined) {
    table.delete(handle)
    model.delete(id)
  }
}

test('the table answers as a Map does, whatever was added and deleted before', () => {
  const steps = fc.array(fc.tuple(fc.constantFrom('add', 'delete'), fc.nat(40)), { maxLength: 300 })
  fc.assert(
    fc.property(fc.uniqueArray(queueId, { minLength: 41, maxLength: 41 }), steps, (ids, all) => {
      const [table, model] = [new IdTable(), new Map<string, number>()]
      for (const each of all) {
        step(each, ids, table, model)
        expect(ids.map((id) => table.find(id))).toEqual(ids.map((id) => model.get(id)))
      }
      expect([table.size, new Set(model.values()).size]).toEqual([model.size, model.size])
      for (const [id, handle] of model) expect([table.has(handle), table.idOf(handle)]).toEqual([true, id])
    }),
    { numRuns: 200 },
  )
})

test('the table holds a hundred thousand ids, forgets those that are deleted, and gives a freed handle out again', () => {
  const table = new IdTable()
  const ids = Array.from({ length: 100_000 }, (_, n) => `m${n.toString(36).padStart(14, '0')}`)
  const handles = ids.map((id) => table.add(id))
  expect(new Set(handles).size).toBe(ids.length)
  expect(ids.every((id, n) => table.find(id) === handles[n])).toBe(true)
  for (const [n, handle] of handles.entries()) if (n % 3 !== 0) table.delete(handle)
  expect(ids.every((id, n) => table.find(id) === (n % 3 === 0 ? handles[n] : undefined))).toBe(true)
  expect(handles).toContain(table.add('anew000000'))
  expect(table.top).toBe(ids.length)
})

test('ids of which one begins with the other, or that differ in case, are not the same', () => {
  const table = new IdTable()
  const ids = ['aaaaaaaaaa', 'aaaaaaaaaaa', 'aaaaaaaaaA', 'aaaaaaaaaaaaaaaa']
  const handles = ids.map((id) => table.add(id))
  expect(ids.map((id) => table.find(id))).toEqual(handles)
  expect(handles.map((handle) => table.idOf(handle))).toEqual(ids)
  expect(table.find('aaaaaaaaaaaa')).toBeUndefined()
})
