/** Of a Secret or ConfigMap the operator learns whether it exists and, where it may, its type and its keys. */
import { describe, expect, test } from 'vitest'
import type { Api } from '../../../../operator/cluster/api/api.ts'
import { ApiError, refusal } from '../../../../operator/cluster/api/api-error.ts'
import { readingSightOf, sightOf } from '../../../../operator/cluster/watch/sight.ts'

const signal = new AbortController().signal
const object = (kind: string, more: object) => ({
  apiVersion: 'v1',
  kind,
  metadata: { name: 'a', namespace: 'b' },
  ...more,
})
const ours = { metadata: { name: 'a', labels: { 'app.kubernetes.io/managed-by': 'relayfleet' } } }
const refused = (code: number, message = '') => refusal('PATCH x', code, { message })

/** An API that gives the same answer to every call, and the calls that were made. */
function answering(answer: object | Error): { api: Api; calls: unknown[][] } {
  const calls: unknown[][] = []
  const call = (...args: unknown[]) => {
    calls.push(args)
    return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer)
  }
  return { api: { get: call, merge: call } as unknown as Api, calls }
}

describe('the operator', () => {
  test.each<[string, 'Secret' | 'ConfigMap', object | Error, unknown]>([
    [
      'the type and keys of its own Secret',
      'Secret',
      object('Secret', { ...ours, type: 't', data: { b: 'x', a: 'y' } }),
      { type: 't', keys: ['a', 'b'] },
    ],
    [
      "that somebody else's Secret exists, and no more",
      'Secret',
      object('Secret', { type: 't', data: { a: 'y' } }),
      {},
    ],
    [
      'the keys of a ConfigMap',
      'ConfigMap',
      object('ConfigMap', { data: { b: '' }, binaryData: { a: '' } }),
      { keys: ['a', 'b'] },
    ],
    ['that a ConfigMap is empty', 'ConfigMap', object('ConfigMap', {}), { keys: [] }],
    ['that a Secret does not exist', 'Secret', refused(404), undefined],
    [
      'that a Secret exists which the admission policy keeps it from',
      'Secret',
      refused(403, "ValidatingAdmissionPolicy 'relayfleet' denied"),
      {},
    ],
    ['that a Secret may exist which it may not look at', 'Secret', refused(403, 'cannot patch resource "secrets"'), {}],
    [
      'that a Secret exists which a webhook keeps from being changed',
      'Secret',
      refused(400, 'admission webhook "a" denied the request'),
      {},
    ],
    ['that a Secret may exist whose webhook does not answer', 'Secret', refused(500, 'failed calling webhook "a"'), {}],
  ])('sees %s', async (_name, kind, answer, expected) => {
    expect(await sightOf(answering(answer).api)(`${kind} b/a`, signal)).toEqual(expected)
  })

  test.each<[string, ApiError]>([
    ['a server error', refused(500)],
    ['a server that is busy', refused(429)],
    ['a login that has expired', refused(401)],
    ['no connection', new ApiError('unreachable', 'reset')],
    ['no answer in time', new ApiError('late', 'late')],
  ])('learns nothing from %s', async (_name, error) => {
    await expect(sightOf(answering(error).api)('Secret b/a', signal)).rejects.toBe(error)
  })
})

test('for a person who asks, nothing is written and only metadata is read', async () => {
  const { api, calls } = answering(object('Secret', { metadata: { name: 'a' } }))
  expect(
    await readingSightOf({ ...api, merge: () => Promise.reject(new Error('a write')) })('Secret b/a', signal),
  ).toEqual({})
  expect(calls.map((args) => args[2])).toEqual([{ signal, metadataOnly: true }])
})
