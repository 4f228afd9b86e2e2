/** Each call of the API is counted once, by its verb and how it ended. */
import { expect, test } from 'vitest'
import type { Api } from '../../../../operator/cluster/api/api.ts'
import { ApiError } from '../../../../operator/cluster/api/api-error.ts'
import { counted } from '../../../../operator/cluster/api/counted.ts'
import { resources } from '../../../../operator/cluster/api/resource.ts'

const at = { namespace: 'mail', name: 'a' }
const object = { apiVersion: 'v1', kind: 'Service', metadata: at }

function countedOver(api: Partial<Api>) {
  const told: string[] = []
  return { told, api: counted(api as Api, (verb, code) => told.push(`${verb} ${code}`)) }
}

test('a call that is answered is passed on and counted as 200', async () => {
  const { told, api } = countedOver({
    get: async (resource, { name }) => ({ ...object, asked: `${resource.kind} ${name}` }),
  })
  expect(await api.get(resources.services, at)).toEqual({ ...object, asked: 'Service a' })
  expect(told).toEqual(['get 200'])
})

test.each([
  [new ApiError('refused', 'no', { code: 403 }), 403],
  [new ApiError('late', 'no answer'), 0],
  [new TypeError('a bug'), 0],
])('a call that fails with %s is counted, and the error is thrown on', async (error, code) => {
  const { told, api } = countedOver({ apply: () => Promise.reject(error) })
  await expect(api.apply(object)).rejects.toBe(error)
  expect(told).toEqual([`apply ${code}`])
})
