/** What the API server refuses: what is told, and what to do about it. */
import { describe, expect, test } from 'vitest'
import { ApiError } from '../../../../operator/cluster/api/api-error.ts'
import { lasts, withMend } from '../../../../operator/cluster/write/refused.ts'

const refused = (code: number, message: string): ApiError => new ApiError('refused', message, { code })
const webhook = refused(500, 'Internal error occurred: failed calling webhook "teams.example.org": connection refused')

describe('lasts', () => {
  test.each([
    ['what is not allowed', refused(403, 'exceeded quota'), 0, true],
    ['what is invalid', refused(422, 'no'), 0, true],
    ['somebody who was quicker', refused(409, 'changed'), 60_000, false],
    ['a server in trouble', refused(500, 'etcd has no leader'), 60_000, false],
    ['a busy server', refused(429, 'later'), 60_000, false],
    ['no connection', new ApiError('unreachable', 'ECONNREFUSED'), 60_000, false],
    ['a webhook that is away for a moment', webhook, 1000, false],
    ['a webhook that stays away', webhook, 4000, true],
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
])('%s has its mend', (why, mend) => {
  expect(withMend(why)).toContain(`${why}; `)
  expect(withMend(why)).toContain(mend)
})
