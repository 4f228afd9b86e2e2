/** Elections on a real API server: one writer at a time, through kills, stops, partitions and lost answers. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { openApi } from '../../operator/cluster/api/api.ts'
import { type Clock, clock } from '../../operator/cluster/lead/clock.ts'
import { Election, type ElectionNews } from '../../operator/cluster/lead/election.ts'
import { ordinaryTerms, type Terms } from '../../operator/cluster/lead/lease-record.ts'
import { until } from '../local/until.ts'
import { accepted, apiOf } from './api.ts'
import { givenCluster, theCluster } from './cluster.ts'
import { type FaultProxy, faultProxy, status } from './fault-proxy.ts'
import { newNamespace } from './namespace.ts'

const quick: Terms = { leaseMs: 3000, stopMs: 2000, renewMs: 500, retryMs: 150 }

describe.runIf(givenCluster() !== undefined)('an election', () => {
  let namespace: string
  let cleanUp: (() => Promise<void> | void)[]

  beforeEach(async () => {
    namespace = await newNamespace({ ...theCluster(), controllers: false }, apiOf(theCluster().access))
    cleanUp = []
  })
  afterEach(async () => {
    await Promise.all(cleanUp.map((clean) => clean()))
  })

  async function candidate(identity: string, terms = quick, clock?: Clock) {
    const proxy: FaultProxy = await faultProxy(theCluster().access)
    const ending = new AbortController()
    const news: ElectionNews[] = []
    const election = new Election({
      api: openApi(proxy.connection),
      namespace,
      name: 'operator',
      identity,
      changed: () => undefined,
      tell: (n) => news.push(n),
      terms,
      ...(clock !== undefined && { clock }),
    })
    const run = election.run(ending.signal)
    const stop = async (): Promise<void> => {
      ending.abort()
      await run
    }
    cleanUp.push(async () => {
      await stop()
      await proxy.close()
    })
    return { election, proxy, stop, news }
  }

  /** A candidate as a process; `writes` are the times at which it wrote. */
  async function process(identity: string, terms = quick) {
    const program = join(import.meta.dirname, 'lease-holder.ts')
    const args = [program, theCluster().kubeconfig, namespace, identity, JSON.stringify(terms)]
    const child: ChildProcess = spawn(globalThis.process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] })
    const writes: number[] = []
    let started = false
    createInterface(child.stdout as NodeJS.ReadableStream).on('line', (line) => {
      if (line === 'started') started = true
      else writes.push(Number(line))
    })
    cleanUp.push(() => void child.kill('SIGKILL'))
    await until(`${identity} runs`, () => started)
    return { child, writes }
  }

  const lease = async () =>
    accepted(
      await apiOf(theCluster().access).get(`/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases/operator`),
    )['spec'] as { holderIdentity: string; leaseTransitions: number; renewTime: string }

  test('ends a term when the clock jumps ahead, and the term after it is another one', async () => {
    let jumpedMs = 0
    const { election, news } = await candidate('a', quick, () => ({ ...clock(), wall: Date.now() + jumpedMs }))
    await until('the candidate leads', () => election.writable())
    const { term } = election
    jumpedMs = 3_600_000
    await until('the candidate leads again', () => election.writable())
    expect([term.aborted, election.term.aborted]).toEqual([true, false])
    expect(news.map(({ about }) => about)).toEqual(['won', 'lost', 'won'])
  })

  test('has one winner among five', async () => {
    const five = await Promise.all(['a', 'b', 'c', 'd', 'e'].map((id) => candidate(id)))
    let most = 0
    await until('each looked often', () => {
      most = Math.max(most, five.filter((c) => c.election.writable()).length)
      return five.every((c) => c.proxy.seen.length > 5)
    })
    expect(most).toBe(1)
    expect((await lease()).leaseTransitions).toBe(0)
  })

  test('leaves the Lease with the winner, who renews it', async () => {
    const a = await candidate('a')
    await until('a writes', () => a.election.writable())
    const first = await lease()
    await until(
      'the Lease was renewed twice',
      async () => (await lease()).renewTime > first.renewTime && a.proxy.seen.length > 4,
    )
    expect(a.election.writable()).toBe(true)
    expect(a.news.map((n) => n.about)).toEqual(['won'])
  })

  test('lets a leader that stops give the Lease back, so that the next one need not wait', async () => {
    const a = await candidate('a')
    await until('a writes', () => a.election.writable())
    const b = await candidate('b')
    await until('b looked', () => b.proxy.seen.length > 2)
    const begin = performance.now()
    await a.stop()
    expect(a.election.writable()).toBe(false)
    await until('b writes', () => b.election.writable())
    expect(performance.now() - begin).toBeLessThan(quick.leaseMs)
  })

  test('makes a leader that can not renew stop, and give up its writes, before the next one starts', async () => {
    const a = await candidate('a')
    await until('a writes', () => a.election.writable())
    const { term } = a.election
    const b = await candidate('b')
    await until('b looked', () => b.proxy.seen.length > 2)
    a.proxy.rule = () => 'hang'
    let overlap = false
    await until('b writes', () => {
      overlap ||= a.election.writable() && b.election.writable()
      return b.election.writable()
    })
    expect(overlap).toBe(false)
    expect(a.election.writable()).toBe(false)
    expect(term.aborted).toBe(true)
    expect(b.election.term.aborted).toBe(false)
  })

  test.each([
    ['answers that are lost', 'lost'],
    ['resets', 'reset'],
    ['500s', status(500, 'InternalError')],
    ['429s', status(429, 'TooManyRequests')],
  ] as const)('does not take the Lease from a leader for two %s in a row', async (_name, fault) => {
    const a = await candidate('a', { ...quick, stopMs: 2500 })
    await until('a writes', () => a.election.writable())
    let left = 2
    a.proxy.rule = () => (left-- > 0 ? fault : 'pass')
    const { length } = a.proxy.seen
    await until('the leader went on', () => a.proxy.seen.length > length + 5)
    expect(a.news.filter((n) => n.about !== 'trouble').map((n) => n.about)).toEqual(['won'])
    expect(a.election.writable()).toBe(true)
  })

  test('makes a Lease again that somebody deleted', async () => {
    const a = await candidate('a')
    await until('a writes', () => a.election.writable())
    const path = `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases/operator`
    accepted(await apiOf(theCluster().access).remove(path))
    await until('the Lease is there', async () => (await apiOf(theCluster().access).get(path)).status === 200)
    await until('a writes', () => a.election.writable())
  })

  test('lets a process that was stopped for longer than its Lease write nothing when it wakes up', async () => {
    const a = await process('a')
    await until('a wrote', () => a.writes.length > 0)
    const b = await process('b')
    a.child.kill('SIGSTOP')
    await until('b wrote', () => b.writes.length > 0)
    a.child.kill('SIGCONT')
    const { length } = b.writes
    await until('b goes on', () => b.writes.length > length + 50)
    const firstOfB = Math.min(...b.writes)
    expect(a.writes.filter((at) => at >= firstOfB)).toEqual([])
    expect((await lease()).holderIdentity).toBe('b')
  })

  test('K13: replaces a killed leader within 20 s', async () => {
    const a = await process('a', ordinaryTerms)
    await until('a wrote', () => a.writes.length > 0)
    const b = await process('b', ordinaryTerms)
    const exit = once(a.child, 'exit')
    a.child.kill('SIGKILL')
    await exit
    const killed = Date.now()
    await until('b wrote', () => b.writes.length > 0, 25_000)
    const tookMs = Math.min(...b.writes) - killed
    expect(tookMs).toBeGreaterThan(ordinaryTerms.leaseMs - ordinaryTerms.renewMs * 1.5)
    expect(tookMs).toBeLessThan(20_000)
  })
})
