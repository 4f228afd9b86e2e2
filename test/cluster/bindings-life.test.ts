/** Binding Secrets are right whatever becomes of operators: killed at any write, deposed, or with many credentials; and no password is told. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Api } from '../../operator/cluster/api/api.ts'
import { ApiError } from '../../operator/cluster/api/api-error.ts'
import { verifierOf } from '../../relay/config.ts'
import { helmInstalled } from '../chart/helm.ts'
import { until } from '../local/until.ts'
import { shownIn } from '../shown-secret.ts'
import { accepted, apiOf, type Api as TestApi } from './api.ts'
import { type Bench, isWrite, type Operator, openBench } from './binding-bench.ts'
import { givenCluster, theCluster } from './cluster.ts'
import { status } from './fault-proxy.ts'
import { forbidding } from './forbidding.ts'
import { installCrds } from './install-crds.ts'
import { type InstalledChart, installChart } from './installed-chart.ts'

describe.runIf(givenCluster() !== undefined && helmInstalled())('an operator with binding Secrets', () => {
  let admin: TestApi
  let chart: InstalledChart
  let bench: Bench

  beforeAll(async () => {
    admin = apiOf(theCluster().access)
    await installCrds(admin)
    chart = await installChart(theCluster(), admin)
  })
  afterAll(() => chart.uninstall())
  beforeEach(async () => {
    bench = await openBench(admin, chart)
    await bench.credential('web')
  })
  afterEach(() => bench.close())

  const verifierIn = ({ bindings }: Operator, name = 'web') =>
    bindings.keys().get(bench.nameOf(name))?.keys[0]?.verifier
  const names = async (): Promise<readonly string[]> => {
    const { items } = accepted(await admin.get(bench.path())) as unknown as { items: { metadata: { name: string } }[] }
    return items.map((i) => i.metadata.name)
  }
  /** Between two calls of one look there is no turn of the event loop: where none is under way, none is in its middle. */
  const countingCalls = () => {
    let underWay = 0
    const counted =
      <A extends readonly unknown[], R>(call: (...args: A) => Promise<R>) =>
      (...args: A): Promise<R> => {
        underWay++
        return call(...args).finally(() => underWay--)
      }
    const counting = (api: Api): Api => ({
      ...api,
      get: counted(api.get),
      create: counted(api.create),
      replace: counted(api.replace),
      apply: counted(api.apply),
      merge: counted(api.merge),
      remove: counted(api.remove),
    })
    return { counting, atRest: () => until('no look is under way', () => underWay === 0) }
  }
  const turned = async (operator: Operator): Promise<void> => {
    const before = operator.secretCalls().length
    await until('the Secrets were looked at twice', () => operator.secretCalls().length >= before + 2)
  }
  /** An operator makes the Secret, the status is written, and the operator is gone. */
  const lived = async (): Promise<void> => {
    const one = await bench.operator()
    one.give({ web: bench.binding('smtp') })
    await until('its key is known', () => verifierIn(one))
    bench.record('web', one, 'smtp')
    await one.stop()
  }

  describe.each(['lost', 'reset'] as const)('that is killed at any of its writes (%s)', (last) => {
    const stories: Readonly<Record<string, { before: () => Promise<void>; secretName: string }>> = {
      'a new credential': { before: () => Promise.resolve(), secretName: 'smtp' },
      'a deleted Secret': {
        before: async () => {
          await lived()
          accepted(await admin.remove(bench.path('smtp')))
        },
        secretName: 'smtp',
      },
      'a damaged Secret': {
        before: async () => {
          await lived()
          accepted(await admin.patch(bench.path('smtp'), { data: { password: null, host: null } }))
        },
        secretName: 'smtp',
      },
      'a new name': { before: lived, secretName: 'mail' },
    }
    test.each(Object.entries(stories))('is followed by one that finishes what was begun for %s', async (_name, {
      before,
      secretName,
    }) => {
      for (let allowed = 0; allowed < 3; allowed++) {
        await before()
        const killed = await bench.operator()
        let writes = 0
        let isDead = false
        killed.proxy.rule = (seen) => {
          if (isDead) return 'reset'
          isDead = isWrite(seen) && writes++ >= allowed
          return isDead ? last : 'pass'
        }
        killed.give({ web: bench.binding(secretName) })
        await until('the operator is dead, or at rest', () => isDead || killed.secretCalls().length > allowed + 6)
        if (allowed % 2 === 0) bench.record('web', killed, secretName)
        await killed.stop()

        const left = await bench.secret(secretName)
        const leftPassword = left && (await bench.textOf(secretName, 'password'))
        const next = await bench.operator()
        next.give({ web: bench.binding(secretName) })
        await until('the Secret is as it should be', async () => {
          const isThere = verifierIn(next) === verifierOf(await bench.textOf(secretName, 'password').catch(() => ''))
          return isThere && (await names()).length === 1 && next.bindings.formerNames().size === 0
        })
        const password = await bench.textOf(secretName, 'password')
        if (leftPassword) expect(password).toBe(leftPassword)
        expect(await bench.textOf(secretName, 'uri')).toContain(password)
        expect(next.bindings.troubles().size).toBe(0)
        await next.stop()
        accepted(await admin.remove(bench.path(secretName)))
        bench.setStatus('web', {})
      }
    })
  })

  test('does nothing as a standby, and begins anew when it leads', async () => {
    const one = await bench.operator()
    one.mayWrite = false
    one.give({ web: bench.binding('smtp') })
    expect([one.bindings.keys().size, one.secretCalls().length]).toEqual([0, 0])
    one.mayWrite = true
    await until('its key is known', () => verifierIn(one))
    one.mayWrite = false
    await until('the deposed operator knows nothing', () => one.bindings.keys().size === 0)
    accepted(await admin.remove(bench.path('smtp')))
    const { length } = one.secretCalls()
    const other = await bench.operator()
    other.give({ web: bench.binding('smtp') })
    await until('the other operator has made the Secret', () => verifierIn(other))
    await other.stop()
    expect(one.secretCalls()).toHaveLength(length)
    one.mayWrite = true
    expect(await until('the operator knows what the other one made', () => verifierIn(one))).toBe(
      verifierOf(await bench.textOf('smtp', 'password')),
    )
    expect(one.secretCalls().filter(isWrite)).toHaveLength(2)
  })

  test('writes nothing once it may not, even when it was about to write', async () => {
    let left = 2
    const one = await bench.operator({ mayWrite: () => left-- > 0 })
    one.give({ web: bench.binding('smtp') })
    await until('it was asked whether the operator may write', () => left < -5)
    expect(await names()).toEqual([])
  })

  test('touches nothing of a credential that is held, and forgets one that is gone', async () => {
    const { counting, atRest } = countingCalls()
    const one = await bench.operator({}, counting)
    one.give({ web: bench.binding('smtp') })
    const verifier = await until('its key is known', () => verifierIn(one))
    await atRest()
    one.give({}, ['web'])
    accepted(await admin.patch(bench.path('smtp'), { data: { host: null } }))
    const before = await bench.secret('smtp')
    await bench.credential('other')
    one.give({ other: bench.binding('other') }, ['web'])
    await until('others go on', () => verifierIn(one, 'other'))
    await turned(one)
    expect(await bench.secret('smtp')).toEqual(before)
    expect(verifierIn(one)).toBe(verifier)
    one.give({ web: bench.binding('smtp') })
    await until('the host is set right', async () => (await bench.textOf('smtp', 'host')) !== '')
    await atRest()
    one.give({})
    expect(one.bindings.keys().size).toBe(0)
    const { length } = one.secretCalls()
    await bench.removeCredential('web')
    one.give({ other: bench.binding('other') })
    await turned(one)
    expect(
      one
        .secretCalls()
        .slice(length)
        .some((s) => s.path.endsWith('/smtp')),
    ).toBe(false)
  })

  test('gives a credential that was made anew a Secret of its own', async () => {
    const one = await bench.operator()
    one.give({ web: bench.binding('smtp') })
    const first = await until('its key is known', () => verifierIn(one))
    await bench.removeCredential('web')
    const uid = await bench.credential('web')
    one.give({ web: bench.binding('smtp') })
    // Not every cluster of the tests has a garbage collector; where there is one, the Secret is gone already.
    await admin.remove(bench.path('smtp'))
    const second = await until('there is another Secret', () => verifierIn(one) !== first && verifierIn(one))
    expect(second).toBe(verifierOf(await bench.textOf('smtp', 'password')))
    expect((await bench.secret('smtp'))?.metadata['ownerReferences']).toMatchObject([{ uid }])
  })

  test('has at most thirty-two writes under way, and looks at one Secret after the other', async () => {
    let [now, most] = [0, 0]
    const counting = (api: Api): Api => {
      const counted =
        <A extends readonly unknown[], R>(call: (...args: A) => Promise<R>) =>
        async (...args: A): Promise<R> => {
          most = Math.max(most, ++now)
          return call(...args).finally(() => now--)
        }
      return { ...api, apply: counted(api.apply), merge: counted(api.merge), remove: counted(api.remove) }
    }
    const many = Array.from({ length: 60 }, (_, i) => `web-${i}`)
    await Promise.all(many.map((name) => bench.credential(name)))
    const bindings = Object.fromEntries(many.map((name) => [name, bench.binding(name)]))
    const one = await bench.operator({ turns: { everyMs: 60_000, pauseMs: 10 } }, counting)
    one.proxy.rule = () => ({ delayMs: 20 })
    one.give(bindings)
    await until('all are there', () => one.bindings.keys().size === many.length)
    expect(most).toBe(32)
    expect(one.secretCalls()).toHaveLength(many.length)
    for (const name of many) bench.record(name, one, name)
    await one.stop()

    const pauseMs = 40
    let turns = 0
    /** The clock is asked for the time in each turn. */
    const inTurn = (): number => {
      turns += 1
      return performance.now()
    }
    const next = await bench.operator({ turns: { everyMs: 60_000, pauseMs }, now: inTurn })
    const begin = performance.now()
    next.give(bindings)
    await until('all were looked at', () => next.bindings.keys().size === many.length)
    expect(performance.now() - begin).toBeGreaterThan(many.length * pauseMs * 0.9)
    const { length } = next.secretCalls()
    expect(length).toBe(many.length)
    next.give(bindings)
    const before = turns
    await until('some looks of another round would have been taken', () => turns > before + 5)
    expect(next.secretCalls()).toHaveLength(length)
    expect([next.marks(), next.secretCalls().filter(isWrite)]).toEqual([0, []])
  })

  test('has one credential in trouble delay no other, and tells of it in the server’s words', async () => {
    await bench.credential('bad')
    const one = await bench.operator()
    one.give({ bad: bench.binding('bad', { labels: { team: 'not a label!' } }), web: bench.binding('smtp') })
    await until('the other one has its key', () => verifierIn(one))
    const trouble = await until('the credential is in trouble', () => one.bindings.troubles().get(bench.nameOf('bad')))
    expect(trouble).toMatchObject({ type: 'ResolvedRefs', status: 'False', reason: 'SecretRefused' })
    expect(trouble.message).toContain(`Secret ${bench.namespace}/bad can not be written`)
    expect(trouble.message).toContain('not a label!')
    one.give({ bad: bench.binding('bad', { labels: { team: 'a-label' } }), web: bench.binding('smtp') })
    await until('the key of the other one is known', () => verifierIn(one, 'bad'))
    expect(one.bindings.troubles().size).toBe(0)
  })

  test('tells no trouble that passes by itself', async () => {
    const one = await bench.operator()
    let left = 3
    one.proxy.rule = () => (left-- > 0 ? status(500, 'InternalError') : 'pass')
    one.give({ web: bench.binding('smtp') })
    await until('its key is known', () => verifierIn(one))
    expect([one.bindings.troubles().size, one.marks()]).toEqual([0, 1])
  })

  test('revokes nothing when an admission policy of the cluster refuses its looks, and tells of that in the policy’s words', async () => {
    const one = await bench.operator()
    one.give({ web: bench.binding('smtp') })
    const verifier = await until('its key is known', () => verifierIn(one))
    const lift = await forbidding(admin, bench.namespace, 'no Secret without a team')
    const trouble = await until('the credential is in trouble', () => one.bindings.troubles().get(bench.nameOf('web')))
    expect(trouble).toMatchObject({ type: 'ResolvedRefs', status: 'False', reason: 'SecretRefused' })
    expect(trouble.message).toContain('no Secret without a team')
    await turned(one)
    expect(verifierIn(one)).toBe(verifier)
    await lift()
    await until('the trouble is over', () => one.bindings.troubles().size === 0)
    expect(verifierIn(one)).toBe(verifier)
  })

  test('logs what stands in its way once, what passes by itself each time, and how long it took', async () => {
    const metadata = { name: 'smtp' }
    accepted(await admin.create(bench.path(), { apiVersion: 'v1', kind: 'Secret', metadata }))
    const [said, took]: [string[], number[]] = [[], []]
    const tell = (name: string, why: string): void => void said.push(`${name}: ${why}`)
    const one = await bench.operator({ tell, took: (ms) => took.push(ms) })
    let left = 2
    one.proxy.rule = () => (left-- > 0 ? status(500, 'InternalError') : 'pass')
    one.give({ web: bench.binding('smtp') })
    await until('the Secret was looked at some times', () => one.secretCalls().length > 8)
    expect(said).toEqual([
      expect.stringMatching(`^${bench.nameOf('web')}: .*500`),
      expect.stringMatching(`^${bench.nameOf('web')}: .*500`),
      expect.stringContaining(`Secret ${bench.namespace}/smtp is there and is not this credential's`),
    ])
    expect(took.length).toBeGreaterThan(1)
  })

  test('never tells a password, not even where a webhook quotes the whole Secret', async () => {
    const passwords: string[] = []
    const quoting = (api: Api): Api => ({
      ...api,
      apply: async (object) => {
        const { data } = object as unknown as { data: Record<string, string> }
        passwords.push(Buffer.from(data['password'] ?? '', 'base64').toString())
        throw new ApiError('refused', `webhook: I do not like ${JSON.stringify(object)}`, { code: 400 })
      },
    })
    const said: string[] = []
    const one = await bench.operator({ tell: (_name, why) => said.push(why) }, quoting)
    one.give({ web: bench.binding('smtp') })
    const trouble = await until('the credential is in trouble', () => one.bindings.troubles().get(bench.nameOf('web')))
    expect(trouble.message).toContain('400')
    await one.stop()
    await lived()
    const other = await bench.operator()
    other.give({ web: bench.binding('smtp') })
    accepted(await admin.patch(bench.path('smtp'), { data: { host: null } }))
    await until('the repair is told', () => other.occasions.length === 1)
    passwords.push(await bench.textOf('smtp', 'password'))
    const { keys, troubles, formerNames } = other.bindings
    const told = JSON.stringify([trouble, said, other.occasions, [...keys()], [...troubles()], [...formerNames()]])
    expect(said[0]).toContain('400')
    expect(shownIn(told, passwords)).toEqual([])
  })
})
