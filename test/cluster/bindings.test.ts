/** A binding Secret is set right or left alone in every state in which the operator, with its account's rights, can find it. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { verifierOf } from '../../relay/config.ts'
import { helmInstalled } from '../chart/helm.ts'
import { until } from '../local/until.ts'
import { type Api, accepted, apiOf } from './api.ts'
import { authority, type Bench, isWrite, type Operator, openBench } from './binding-bench.ts'
import { givenCluster, theCluster } from './cluster.ts'
import { status } from './fault-proxy.ts'
import { installCrds } from './install-crds.ts'
import { type InstalledChart, installChart } from './installed-chart.ts'

const ours = { 'app.kubernetes.io/managed-by': 'relayfleet' }

describe.runIf(givenCluster() !== undefined && helmInstalled())('a binding Secret', () => {
  let admin: Api
  let chart: InstalledChart
  let bench: Bench
  let one: Operator
  let uid: string

  beforeAll(async () => {
    admin = apiOf(theCluster().access)
    await installCrds(admin)
    chart = await installChart(theCluster(), admin)
  })
  afterAll(() => chart.uninstall())
  beforeEach(async () => {
    bench = await openBench(admin, chart)
    uid = await bench.credential('web')
    one = await bench.operator()
  })
  afterEach(() => bench.close())

  const web = () => bench.nameOf('web')
  const verifier = () => one.bindings.keys().get(web())?.keys[0]?.verifier
  const trouble = () => one.bindings.troubles().get(web())
  const patch = async (change: unknown, name = 'smtp') => accepted(await admin.patch(bench.path(name), change))
  /** Waits until the Secret has been looked at again, so that whatever was found before is dealt with. */
  const turned = async (operator = one): Promise<void> => {
    const before = operator.secretCalls().length
    await until('the Secret was looked at twice', () => operator.secretCalls().length >= before + 2)
  }
  const made = async (over = {}): Promise<string> => {
    one.give({ web: bench.binding('smtp', over) })
    await until('its key is known', () => verifier())
    bench.record('web', one, 'smtp')
    return bench.textOf('smtp', 'password')
  }
  const foreignSecret = async (
    metadata: object = {},
    name = 'smtp',
    more: object = { stringData: { key: 'theirs' } },
  ) =>
    accepted(
      await admin.create(bench.path(), { apiVersion: 'v1', kind: 'Secret', metadata: { name, ...metadata }, ...more }),
    )

  test('is made with one call, and its key is told', async () => {
    const password = await made()
    expect(one.secretCalls()).toHaveLength(1)
    expect(Buffer.from(password, 'base64url')).toHaveLength(32)
    expect(one.bindings.keys().get(web())).toEqual({
      username: `web.${bench.namespace}`,
      keys: [
        {
          id: verifierOf(password).slice(7, 15),
          verifier: verifierOf(password),
          state: 'Active',
          createdAt: expect.stringMatching(/Z$/),
        },
      ],
    })
    expect(one.marks()).toBe(1)
    const secret = await bench.secret('smtp')
    expect(secret?.['type']).toBe('servicebinding.io/smtp')
    expect(secret?.metadata).toMatchObject({
      labels: ours,
      ownerReferences: [{ kind: 'RelayCredential', name: 'web', uid, controller: true }],
    })
    const keys = ['type', 'provider', 'host', 'port', 'username', 'uri', 'certificates']
    const values = await Promise.all(keys.map((key) => bench.textOf('smtp', key)))
    const login = `web.${bench.namespace}:${password}`
    expect(values).toEqual([
      'smtp',
      'relayfleet',
      'shared.mail.svc',
      '587',
      `web.${bench.namespace}`,
      `smtp://${login}@shared.mail.svc:587`,
      authority,
    ])
    expect(Object.keys(secret?.['data'] as object).toSorted()).toEqual([...keys, 'password'].toSorted())
  })

  test('is looked at again and again by dry runs of a patch, and is not written', async () => {
    await made()
    const before = await bench.secret('smtp')
    await turned()
    expect(await bench.secret('smtp')).toEqual(before)
    expect(one.secretCalls().filter(isWrite)).toHaveLength(1)
    expect(one.secretCalls().every((s) => s.method === 'PATCH')).toBe(true)
    expect([one.marks(), one.occasions]).toEqual([1, []])
  })

  test('has the labels and annotations of its template, but none that are the operator’s own', async () => {
    const theirs = { 'app.kubernetes.io/managed-by': 'Helm', 'relayfleet.dev/policy': 'x', team: 'a' }
    await made({ labels: theirs, annotations: { 'relayfleet.dev/applied-hash': 'x', 'example.org/note': 'b' } })
    const { labels, annotations } = (await bench.secret('smtp'))?.metadata as { labels?: object; annotations?: object }
    expect(labels).toEqual({ ...ours, team: 'a' })
    expect(annotations).toEqual({
      'example.org/note': 'b',
      'relayfleet.dev/applied-hash': expect.stringMatching(/^[0-9a-f]{32}$/),
    })
  })

  test('follows the policy, the template and the authority; its password stays, and there is no Event', async () => {
    const password = await made({ labels: { team: 'a' } })
    one.give({ web: bench.binding('smtp', { port: 465, scheme: 'smtps', issuedByOperator: false }) })
    await until('the port follows', async () => (await bench.textOf('smtp', 'port')) === '465')
    expect(await bench.textOf('smtp', 'uri')).toMatch(/^smtps:.*:465$/)
    expect(await bench.textOf('smtp', 'password')).toBe(password)
    expect((await bench.secret('smtp'))?.['data']).not.toHaveProperty('certificates')
    expect((await bench.secret('smtp'))?.metadata['labels']).toEqual(ours)
    await turned()
    expect([one.marks(), one.occasions]).toEqual([1, []])
  })

  test('that was made before its status was written is adopted, not replaced', async () => {
    const password = await made()
    await one.stop()
    bench.setStatus('web', {})
    one = await bench.operator()
    one.give({ web: bench.binding('smtp') })
    expect(await until('its key is known', () => verifier())).toBe(verifierOf(password))
    expect(await bench.textOf('smtp', 'password')).toBe(password)
    expect(one.occasions).toEqual([])
  })

  describe('that somebody damaged is set right and told of', () => {
    test.each<[string, object]>([
      ['a key changed', { stringData: { host: 'elsewhere.example' } }],
      ['a key gone', { data: { uri: null } }],
      ['the authority changed', { stringData: { certificates: 'THEIRS' } }],
      ['the owner gone', { metadata: { ownerReferences: null } }],
    ])('%s: the password is kept', async (_name, change) => {
      const password = await made()
      const before = await bench.secret('smtp')
      await patch(change)
      await until('the repair is told', () => one.occasions.length === 1)
      const after = await bench.secret('smtp')
      expect(after?.['data']).toEqual(before?.['data'])
      expect(after?.metadata['ownerReferences']).toEqual(before?.metadata['ownerReferences'])
      expect(verifier()).toBe(verifierOf(password))
      expect(one.marks()).toBe(1)
      expect(one.occasions).toMatchObject([
        { reason: 'SecretRepaired', regarding: { kind: 'RelayCredential', name: 'web', uid } },
      ])
    })

    test.each<[string, object | undefined]>([
      ['the password gone', { data: { password: null } }],
      ['the password malformed', { stringData: { password: 'hunter2' } }],
      ['the whole Secret deleted', undefined],
    ])('%s: there is a new password', async (_name, change) => {
      const password = await made()
      if (change === undefined) accepted(await admin.remove(bench.path('smtp')))
      else await patch(change)
      await until('the repair is told', () => one.occasions.length === 1 && one.marks() === 2)
      const now = await bench.textOf('smtp', 'password')
      expect(now).not.toBe(password)
      expect(verifier()).toBe(verifierOf(now))
      expect(await bench.textOf('smtp', 'uri')).toContain(now)
      await turned()
      expect(one.occasions).toHaveLength(1)
    })

    test('while no operator ran: by the next one', async () => {
      const password = await made()
      await one.stop()
      accepted(await admin.remove(bench.path('smtp')))
      one = await bench.operator()
      one.give({ web: bench.binding('smtp') })
      expect(one.bindings.keys().size).toBe(0)
      expect(await until('its key is known', () => verifier())).not.toBe(verifierOf(password))
      expect(one.occasions).toMatchObject([{ reason: 'SecretRepaired' }])
    })
  })

  describe('that is somebody else’s is left alone, and nobody logs in by it', () => {
    const ownedBy = (kind: string, name: string, its: string) => ({
      labels: ours,
      ownerReferences: [{ apiVersion: 'relayfleet.dev/v1alpha1', kind, name, uid: its, controller: true }],
    })
    const binding = { type: 'servicebinding.io/smtp', stringData: { password: 'x'.repeat(43) } }
    test.each<[string, () => object | Promise<object>, object]>([
      ['without labels', () => ({}), binding],
      ['of another manager', () => ({ labels: { 'app.kubernetes.io/managed-by': 'Helm' } }), binding],
      ['of a fleet', async () => ownedBy('RelayPolicy', 'shared', await bench.policy('shared')), binding],
      ['of another credential', async () => ownedBy('RelayCredential', 'b', await bench.credential('b')), binding],
      [
        'the operator’s own authority',
        () => ({ labels: ours }),
        { type: 'Opaque', stringData: { 'authorities.json': '[]' } },
      ],
    ])('%s', async (_name, metadata, more) => {
      const before = await foreignSecret(await metadata(), 'smtp', more)
      one.give({ web: bench.binding('smtp') })
      expect(await until('there is trouble', () => trouble())).toEqual({
        type: 'ResolvedRefs',
        status: 'False',
        reason: 'SecretNotOwned',
        message: `Secret ${bench.namespace}/smtp is there and is not this credential's; delete it, or set spec.secretTemplate.name to another name`,
      })
      expect(one.bindings.keys().get(web())?.keys).toEqual([])
      await turned()
      expect(await bench.secret('smtp')).toEqual(before)
      accepted(await admin.remove(bench.path('smtp')))
      await until('the Secret is made', () => verifier())
      expect([trouble(), one.occasions]).toEqual([undefined, []])
    })

    test('also where the status has keys, which are revoked', async () => {
      await made()
      await one.stop()
      accepted(await admin.remove(bench.path('smtp')))
      const before = await foreignSecret()
      one = await bench.operator()
      one.give({ web: bench.binding('smtp') })
      await until('there is trouble', () => trouble())
      expect(one.bindings.keys().get(web())?.keys).toEqual([])
      expect(one.marks()).toBe(1)
      expect(await bench.secret('smtp')).toEqual(before)
    })

    test('also when it was made between looking and writing', async () => {
      await made()
      accepted(await admin.remove(bench.path('smtp')))
      let looks = 0
      one.proxy.rule = ({ query }) => (query.has('dryRun') && looks++ < 3 ? status(404, 'NotFound') : 'pass')
      const before = await foreignSecret()
      await until('there is trouble', () => trouble())
      expect(await bench.secret('smtp')).toEqual(before)
    })
  })

  test('that is still being deleted is waited for, and then made anew', async () => {
    await made()
    await patch({ metadata: { finalizers: ['example.org/wait'] } })
    accepted(await admin.remove(bench.path('smtp')))
    await turned()
    const password = await bench.textOf('smtp', 'password')
    expect(verifier()).toBe(verifierOf(password))
    await patch({ metadata: { finalizers: null } })
    await until('the Secret is made anew', () => verifier() !== verifierOf(password))
    expect(verifierOf(await bench.textOf('smtp', 'password'))).toBe(verifier())
  })

  describe('under another name', () => {
    test('is made with the same password, which relays accept already, and then the old one goes', async () => {
      const password = await made()
      one.give({ web: bench.binding('mail') })
      expect(one.bindings.formerNames().get(web())).toBe('smtp')
      await until('the old one is gone', async () => (await bench.secret('smtp')) === undefined)
      await until('no former name is remembered', () => one.bindings.formerNames().size === 0)
      expect(verifierOf(await bench.textOf('mail', 'password'))).toBe(verifier())
      expect(await bench.textOf('mail', 'password')).toBe(password)
      // The marks: it was made, and the status no longer needs the old one.
      expect([one.occasions, one.marks()]).toEqual([[], 2])
    })

    test('is made with the same password, also where it is asked for while the old one is being looked at', async () => {
      const password = await made()
      let isAsked = false
      one.proxy.rule = ({ path, query }) => {
        if (!isAsked && query.has('dryRun') && path.endsWith('/smtp')) {
          isAsked = true
          one.give({ web: bench.binding('mail') })
        }
        return 'pass'
      }
      await until('the old one is gone', async () => isAsked && (await bench.secret('smtp')) === undefined)
      await until('the new one is made', () => bench.secret('mail'))
      expect(await bench.textOf('mail', 'password')).toBe(password)
    })

    test('is made by the next operator, which knows the old name by the status', async () => {
      const password = await made()
      await one.stop()
      one = await bench.operator()
      one.give({ web: bench.binding('mail') })
      await until('the old one is gone', async () => (await bench.secret('smtp')) === undefined)
      expect(verifierOf(await bench.textOf('mail', 'password'))).toBe(verifier())
      expect(await bench.textOf('mail', 'password')).toBe(password)
    })

    test('that somebody else has is not made, and the old one stays in use', async () => {
      const password = await made()
      await foreignSecret({}, 'mail')
      one.give({ web: bench.binding('mail') })
      await until('there is trouble', () => trouble())
      await turned()
      expect(verifier()).toBe(verifierOf(password))
      expect(await bench.textOf('smtp', 'password')).toBe(password)
      expect(one.bindings.formerNames().get(web())).toBe('smtp')
      one.give({ web: bench.binding('smtp') })
      await until('all is well', () => trouble() === undefined && one.bindings.formerNames().size === 0)
      expect(await bench.textOf('smtp', 'password')).toBe(password)
      expect(await bench.textOf('mail', 'key')).toBe('theirs')
    })

    test('is made, and what has the old name stays if it is somebody else’s by now', async () => {
      await made()
      await one.stop()
      accepted(await admin.remove(bench.path('smtp')))
      const before = await foreignSecret()
      one = await bench.operator()
      one.give({ web: bench.binding('mail') })
      await until(
        'the key is known, and no former name is remembered',
        () => verifier() && one.bindings.formerNames().size === 0,
      )
      expect(await bench.secret('smtp')).toEqual(before)
    })
  })
})
