/** The certificate that the operator issues for a fleet's listeners is kept while it serves, and made anew in time. */
import { X509Certificate } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createAuthority, issue } from '../../operator/ca.ts'
import { until } from '../local/until.ts'
import { accepted, apiOf } from './api.ts'
import { givenCluster, theCluster } from './cluster.ts'
import { hashOf, type Operator, openStage, type RunFleet, runs, type Stage } from './fleets-stage.ts'
import { installCrds } from './install-crds.ts'

const day = 24 * 3_600_000

describe.runIf(givenCluster() !== undefined)('the certificate of a fleet', () => {
  let stage: Stage
  let now: number
  beforeEach(async () => {
    await installCrds(apiOf(theCluster().access))
    stage = await openStage()
    now = Date.now()
  })
  afterEach(() => stage.close())

  const turns = { everyMs: 20, perSecond: 100 }
  const start = (fleet: RunFleet = runs): Promise<Operator> => stage.operator(fleet, { turns, now: () => now })
  const path = (): string => stage.path('secrets', 'shared-relay-tls')
  const pair = async () => {
    const { data = {} } = await stage.get('secrets', 'shared-relay-tls')
    const text = (key: string): string => Buffer.from(data[key] ?? '', 'base64').toString()
    return { certificate: text('tls.crt'), key: text('tls.key') }
  }
  const made = async (operator: Operator) => {
    await until(
      'the certificate is made',
      () => operator.fleets.written(stage.named('shared')).certificateEndsAt !== undefined,
    )
    return pair()
  }
  const another = (before: string) =>
    until('another one', async () => {
      const { certificate } = await pair()
      return certificate !== before && certificate !== '' && certificate
    })
  const turnsTaken = async (operator: Operator): Promise<void> => {
    const looks = () => operator.calls().filter((c) => c.path === path()).length
    const before = looks()
    await until('the certificate was looked at', () => looks() > before + 5)
  }
  const hostsOf = (certificate: string): string | undefined => new X509Certificate(certificate).subjectAltName
  const withHosts = (hosts: readonly string[]): RunFleet => ({
    ...runs,
    files: runs.files.map((f) => (f.from.kind === 'issued' ? { ...f, from: { ...f.from, hosts } } : f)),
  })

  test('is for the fleet’s hosts, in a Secret of the type for certificates, and its end is known', async () => {
    const operator = await start(withHosts(['relay.example.org', 'shared.mail.svc']))
    const { certificate } = await made(operator)
    expect(hostsOf(certificate)).toBe('DNS:relay.example.org, DNS:shared.mail.svc')
    expect((await stage.get('secrets', 'shared-relay-tls'))['type']).toBe('kubernetes.io/tls')
    const { certificateEndsAt } = operator.fleets.written(stage.named('shared'))
    expect(certificateEndsAt).toBe(Date.parse(new X509Certificate(certificate).validTo))
  })

  test('is made anew when a third of its life is left, though nothing else changes', async () => {
    const operator = await start()
    const { certificate } = await made(operator)
    now += 59 * day
    await turnsTaken(operator)
    expect((await pair()).certificate, 'not a day too early').toBe(certificate)
    now += 2 * day
    const next = await another(certificate)
    expect(Date.parse(new X509Certificate(next).validTo)).toBeGreaterThan(now + 89 * day)
  })

  test('is made anew in time for a fleet that is held, too, and for the hosts that it had', async () => {
    const operator = await start(withHosts(['relay.example.org', 'shared.mail.svc']))
    const { certificate } = await made(operator)
    operator.compile = () => new Map([[stage.named('shared'), { kind: 'hold' }]])
    operator.dirty.mark()
    await turnsTaken(operator)
    expect((await pair()).certificate, 'not a day too early').toBe(certificate)
    now += 61 * day
    expect(hostsOf(await another(certificate))).toBe(hostsOf(certificate))
  })

  test('is made anew for other hosts', async () => {
    const operator = await start()
    const { certificate } = await made(operator)
    operator.compile = () => new Map([[stage.named('shared'), withHosts(['other.example.org'])]])
    operator.dirty.mark()
    expect(hostsOf(await another(certificate))).toBe('DNS:other.example.org')
  })

  test('is made anew when its Secret has the key of another certificate', async () => {
    const operator = await start()
    const { certificate } = await made(operator)
    const { key } = await issue(await createAuthority(now), ['x'], now)
    accepted(await stage.raw.patch(path(), { data: { 'tls.key': btoa(key) } }))
    await another(certificate)
  })

  test('is made anew by another authority', async () => {
    const signer = await createAuthority(now)
    const first = await start()
    const { certificate } = await made(first)
    await first.stop()
    const second = await stage.operator(runs, { turns, authority: async () => ({ signer, bundle: '' }) })
    const next = await another(certificate)
    expect(new X509Certificate(next).verify(new X509Certificate(signer.certificate).publicKey)).toBe(true)
    await second.stop()
  })

  test('is removed where every listener names a certificate', async () => {
    const operator = await start()
    await made(operator)
    operator.compile = () => new Map([[stage.named('shared'), { ...runs, files: [] }]])
    operator.dirty.mark()
    await until('the Secret is gone', async () => (await stage.raw.get(path())).status === 404)
    await until(
      'its end is forgotten',
      () => operator.fleets.written(stage.named('shared')).certificateEndsAt === undefined,
    )
  })

  test('keeps no configuration waiting when it can not be issued: a suspension is in force all the same', async () => {
    let isAway = false
    const signer = await createAuthority(now)
    const operator = await stage.operator(runs, {
      authority: () => (isAway ? Promise.reject(new Error('no authority')) : Promise.resolve({ signer, bundle: '' })),
    })
    await stage.written(operator, runs)
    isAway = true
    const suspended = { ...runs, config: { ...runs.config, suspended: true } }
    operator.compile = () => new Map([[stage.named('shared'), suspended]])
    operator.dirty.mark()
    await until(
      'the suspension is written',
      () => operator.fleets.written(stage.named('shared')).hash === hashOf(suspended),
    )
    expect((await stage.configuration()).suspended).toBe(true)
    const trouble = await until('the fleet is in trouble', () => operator.fleets.written(stage.named('shared')).trouble)
    expect(trouble).toBe(`issuing Secret ${stage.namespace}/shared-relay-tls: no authority`)
  })
})
