/** A policy is let go once, whatever becomes of the answer to the write that takes its finalizer off. */
import { expect, test } from 'vitest'
import type { Api } from '../../../../operator/cluster/api/api.ts'
import { ApiError } from '../../../../operator/cluster/api/api-error.ts'
import { letGo } from '../../../../operator/cluster/fleets/keeping.ts'
import type { DeclaredObject } from '../../../../operator/cluster/watch/declared.ts'

const kept = { uid: 'u1', finalizers: ['relayfleet.dev/mail', 'others.example/one'] }
const policy = { ref: 'RelayPolicy mail/shared', resourceVersion: '7', ...kept } as unknown as DeclaredObject

const lost = new ApiError('unreachable', 'PATCH: socket hang up')
const away = new ApiError('unreachable', 'GET: connection refused')
const gone = new ApiError('refused', 'GET: 404', { code: 404 })
const forbidden = new ApiError('refused', 'PATCH: 403', { code: 403 })

/** What comes of it where the write fails with `error`, and a look afterwards shows `then`. */
function comesOf(error: Error, then: object | Error): Promise<unknown> {
  const get = async (): Promise<object> => {
    if (then instanceof Error) throw then
    return { metadata: { name: 'shared', ...then } }
  }
  const api = { merge: () => Promise.reject(error), get } as unknown as Api
  return letGo(policy, { api, mayWrite: () => true, signal: new AbortController().signal }).catch((e: Error) => e)
}

test.each([
  ['the policy is gone', lost, gone, 'as it should be'],
  ['another one has its name', lost, { ...kept, uid: 'u2' }, 'as it should be'],
  ['others keep it', lost, { uid: 'u1', finalizers: ['others.example/one'] }, 'as it should be'],
  ['it was not written', lost, kept, lost],
  ['nobody can tell', lost, away, away],
  ['the write was refused', forbidden, gone, forbidden],
])('an answer that was lost, and %s', async (_case, error, then, expected) => {
  expect(await comesOf(error, then)).toBe(expected)
})
