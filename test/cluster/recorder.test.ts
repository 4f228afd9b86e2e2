/** Events are such as people see them in kubectl, and a busy API server costs nothing but Events. */
import { execFileSync } from 'node:child_process'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { openApi } from '../../operator/cluster/api/api.ts'
import type { Occasion } from '../../operator/cluster/events/event-series.ts'
import { Recorder } from '../../operator/cluster/events/recorder.ts'
import { until } from '../local/until.ts'
import { accepted, apiOf } from './api.ts'
import { givenCluster, theCluster } from './cluster.ts'
import { configMaps } from './config-maps.ts'
import { type FaultProxy, faultProxy, status } from './fault-proxy.ts'
import { newNamespace } from './namespace.ts'

type Event = {
  readonly metadata: { readonly name: string }
  readonly note: string
  readonly series?: { count: number }
}

describe.runIf(givenCluster() !== undefined)('a recorder', () => {
  let proxy: FaultProxy
  let occasion: Occasion
  let namespace: string
  let ending: AbortController
  let run: Promise<void>
  let now = Date.now()
  const lost: string[] = []

  beforeEach(async () => {
    const api = apiOf(theCluster().access)
    namespace = await newNamespace({ ...theCluster(), controllers: false }, api)
    const { metadata } = await configMaps(api, namespace).create('a', '1')
    const regarding = { apiVersion: 'v1', kind: 'ConfigMap', namespace, name: 'a', uid: String(metadata['uid']) }
    occasion = { regarding, type: 'Warning', reason: 'Tested', action: 'Test', note: 'this is a test' }
    proxy = await faultProxy(theCluster().access)
    ending = new AbortController()
    lost.length = 0
  })
  afterEach(async () => {
    ending.abort()
    await run
    await proxy.close()
  })

  function recorder(): Recorder {
    const made = new Recorder({
      api: openApi(proxy.connection),
      reporter: 'test',
      now: () => now,
      lost: (object, why) => lost.push(`${object}: ${why}`),
    })
    run = made.run(ending.signal)
    return made
  }
  const events = async (): Promise<readonly Event[]> =>
    (
      accepted(
        await apiOf(theCluster().access).get(`/apis/events.k8s.io/v1/namespaces/${namespace}/events`),
      ) as unknown as {
        items: Event[]
      }
    ).items

  test('makes Events that kubectl shows for an object', async () => {
    recorder().record(occasion)
    await until('the Event is there', async () => (await events()).length === 1)
    const { kubectl, kubeconfig } = theCluster()
    const shown = execFileSync(
      kubectl,
      ['--kubeconfig', kubeconfig, '-n', namespace, 'events', '--for', 'configmap/a', '--no-headers'],
      { encoding: 'utf8' },
    )
    expect(shown).toMatch(/Warning\s+Tested\s+ConfigMap\/a\s+this is a test/)
  })

  test('counts the same occasion a thousand times in one Event', async () => {
    const one = recorder()
    for (let i = 0; i < 1000; i++) one.record(occasion)
    await until('the Event is there', async () => (await events()).length === 1)
    now += 61_000
    await until('the Event is counted', async () => (await events())[0]?.series?.count === 1000)
    expect(await events()).toHaveLength(1)
  })

  test('makes an Event anew, the next time, that was gone when it was to be counted', async () => {
    const one = recorder()
    one.record(occasion)
    const [event] = await until('the Event is there', async () =>
      (await events()).length === 1 ? await events() : undefined,
    )
    accepted(
      await apiOf(theCluster().access).remove(
        `/apis/events.k8s.io/v1/namespaces/${namespace}/events/${event?.metadata.name}`,
      ),
    )
    one.record(occasion)
    now += 61_000
    await until('the count was tried', () => proxy.seen.some((s) => s.method === 'PATCH'))
    await until('the Event is there again', async () => {
      one.record(occasion)
      return (await events()).length === 1
    })
    expect(lost).toEqual([])
  })

  test('tries again when the server is in trouble, and does not when it refuses', async () => {
    let answers = [status(500, 'InternalError'), status(429, 'TooManyRequests')]
    proxy.rule = () => answers.shift() ?? 'pass'
    const one = recorder()
    one.record(occasion)
    await until('the Event is there', async () => (await events()).length === 1)
    answers = [status(403, 'Forbidden')]
    one.record({ ...occasion, reason: 'Refused' })
    await until('the Event is lost', () => lost.length === 1)
    expect(proxy.seen).toHaveLength(4)
  })

  test('forgets occasions in a storm of them, and never waits', async () => {
    proxy.rule = () => 'hang'
    const one = recorder()
    const begin = performance.now()
    for (let i = 0; i < 20_000; i++) one.record({ ...occasion, reason: `r${i}` })
    expect(performance.now() - begin).toBeLessThan(3000)
    expect(lost.length).toBeGreaterThan(1000)
  })
})
