/** An election that the API server refuses tells each new reason once. */
import { expect, test } from 'vitest'
import type { Api } from '../../../../operator/cluster/api/api.ts'
import { type ApiError, refusal } from '../../../../operator/cluster/api/api-error.ts'
import { Election, type ElectionNews } from '../../../../operator/cluster/lead/election.ts'
import { until } from '../../../local/until.ts'

const quick = { leaseMs: 3000, stopMs: 2000, renewMs: 5, retryMs: 5 }

test('a refusal of the Lease is told as new once, and again for another reason or after it was held meanwhile', async () => {
  const forbidden = refusal('get leases', 403, { message: 'leases is forbidden' })
  const away = refusal('get leases', 500, { message: 'etcd is away' })
  let error: ApiError | undefined = forbidden
  let tries = 0
  const answer = async (lease?: unknown): Promise<unknown> => {
    tries++
    if (error !== undefined) throw error
    return lease
  }
  const api = { get: () => answer(), create: answer, replace: answer } as unknown as Api
  const news: ElectionNews[] = []
  const election = new Election({
    api,
    namespace: 'a',
    name: 'operator',
    identity: 'a',
    changed: () => undefined,
    tell: (n) => news.push(n),
    terms: quick,
  })
  const ending = new AbortController()
  const run = election.run(ending.signal)
  const tenMore = async (): Promise<void> => {
    const before = tries
    await until('ten tries more', () => tries >= before + 10)
  }
  await tenMore()
  error = away
  await tenMore()
  error = undefined
  await until('it leads', () => election.writable())
  error = forbidden
  await tenMore()
  ending.abort()
  error = undefined
  await run
  const troubles = news.filter((n) => n.about === 'trouble')
  expect(troubles.length).toBeGreaterThan(25)
  expect(troubles.filter(({ again }) => !again).map(({ why }) => why)).toEqual([forbidden, away, forbidden].map(String))
})
