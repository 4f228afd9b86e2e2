/** What the API server's answers say of a Secret or ConfigMap. */
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

/** An API whose every answer is this one; the calls that were made. */
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
      'its own Secret',
      'Secret',
      object('Secret', { ...ours, type: 't', data: { b: 'x', a: 'y' } }),
      { type: 't', keys: ['a', 'b'] },
    ],
    ["somebody else's Secret", 'Secret', object('Secret', { type: 't', data: { a: 'y' } }), {}],
    ['a ConfigMap', 'ConfigMap', object('ConfigMap', { data: { b: '' }, binaryData: { a: '' } }), { keys: ['a', 'b'] }],
    ['an empty ConfigMap', 'ConfigMap', object('ConfigMap', {}), { keys: [] }],
    ['nothing', 'Secret', refused(404), undefined],
    [
      'what the admission policy keeps it from',
      'Secret',
      refused(403, "ValidatingAdmissionPolicy 'relayfleet' denied"),
      {},
    ],
    ['what it may not look at', 'Secret', refused(403, 'cannot patch resource "secrets"'), {}],
    ['what a webhook refuses to have changed', 'Secret', refused(400, 'admission webhook "a" denied the request'), {}],
    ['what a webhook that is away keeps', 'Secret', refused(500, 'failed calling webhook "a"'), {}],
  ])('sees %s', async (_name, kind, answer, expected) => {
    expect(await sightOf(answering(answer).api)(`${kind} b/a`, signal)).toEqual(expected)
  })

  test.each<[string, ApiError]>([
    ['a server in trouble', refused(500)],
    ['one that is busy', refused(429)],
    ['a login that has run out', refused(401)],
    ['no connection', new ApiError('unreachable', 'reset')],
    ['no answer in time', new ApiError('late', 'late')],
  ])('learns nothing from %s', async (_name, error) => {
    await expect(sightOf(answering(error).api)('Secret b/a', signal)).rejects.toBe(error)
  })
})

test('a person changes nothing, and asks for no value of a Secret', async () => {
  const { api, calls } = answering(object('Secret', { metadata: { name: 'a' } }))
  expect(
    await readingSightOf({ ...api, merge: () => Promise.reject(new Error('a write')) })('Secret b/a', signal),
  ).toEqual({})
  expect(calls.map((args) => args[2])).toEqual([{ signal, metadataOnly: true }])
})
