/** A refusal of the API server is told with what to do about it, and it is known which refusals last. */
import { describe, expect, test } from 'vitest'
import { ApiError } from '../../../../operator/cluster/api/api-error.ts'
import { lasts, withMend } from '../../../../operator/cluster/write/refused.ts'

const refused = (code: number, message: string): ApiError => new ApiError('refused', message, { code })
const webhook = refused(500, 'Internal error occurred: failed calling webhook "teams.example.org": connection refused')

describe('a refusal', () => {
  test.each([
    ['with 403 lasts', refused(403, 'exceeded quota'), 0, true],
    ['with 422 lasts', refused(422, 'no'), 0, true],
    ['with 409, since another write was quicker, does not last', refused(409, 'changed'), 60_000, false],
    ['with 500 does not last', refused(500, 'etcd has no leader'), 60_000, false],
    ['with 429 does not last', refused(429, 'later'), 60_000, false],
    ['by a lost connection does not last', new ApiError('unreachable', 'ECONNREFUSED'), 60_000, false],
    ['by a webhook that has not answered for a moment does not last', webhook, 1000, false],
    ['by a webhook that has not answered for seconds lasts', webhook, 4000, true],
  ])('%s', (_name, error, waitMs, expected) => {
    expect(lasts(error, waitMs)).toBe(expected)
  })
})

test.each([
  ['exceeded quota: few, requested: count/secrets=1', 'raise the quota'],
  [webhook.message, 'see to that webhook'],
  ["ValidatingAdmissionPolicy 'teams' denied request: no team", 'that policy has to let the operator'],
  ['data: Forbidden: field is immutable when `immutable` is set', 'kubectl replace --force'],
  ['User "x" cannot patch resource "secrets"', 'that right'],
  ['Secret a/b is still being deleted', 'metadata.finalizers'],
  ['something else', 'mend what is refused'],
])('to the refusal %s is added what to do', (why, mend) => {
  expect(withMend(why)).toContain(`${why}; `)
  expect(withMend(why)).toContain(mend)
})
