/** A domain's DKIM keys are published, used and rotated by the chart's operator, external-dns, BIND, a fleet, and a verifier that asks BIND. */
import { spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { Resolver } from 'node:dns/promises'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { dkimVerify } from 'mailauth/lib/dkim/verify.js'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { DkimKeyStatus } from '../../../operator/lifecycle/recorded-dkim-keys.ts'
import { helmInstalled } from '../../chart/helm.ts'
import { asRoot } from '../../local/as-root.ts'
import { loadMessage } from '../../local/load-message.ts'
import { startNamed } from '../../local/named.ts'
import { installed } from '../../local/programs.ts'
import { SmtpSession } from '../../local/smtp-session.ts'
import { until } from '../../local/until.ts'
import { givenCluster, theCluster } from '../cluster.ts'
import { dnsEndpointCrd } from '../dns-endpoint-crd.ts'
import { externalDnsInstalled, startExternalDns } from '../external-dns.ts'
import { chosenFor } from '../start.ts'
import { senderDomain } from './fleet-objects.ts'
import { type FleetOnNode, fleetOnNode } from './fleet-on-node.ts'
import { apply, conditionsOf, type Installation, install, kubectl } from './installation.ts'

/** On this machine's loopback: pods reach it by their gateway, which is this machine. */
const address = '198.18.255.53'
const zone = 'example.org'
const key = { name: 'external-dns', secret: randomBytes(32).toString('base64') }
/** A look at a record is due a minute after the one before, and up to a quarter more. */
const patienceMs = 240_000

/** BIND listens where an interface has an address. */
const loopback = (verb: 'add' | 'delete'): unknown => spawnSync('ip', ['address', verb, `${address}/32`, 'dev', 'lo'])

const isHere = givenCluster() !== undefined && chosenFor('node').kind === 'testbed'
describe.runIf(
  isHere && helmInstalled() && asRoot('port 53') && installed('named', 'nsupdate', 'ip') && externalDnsInstalled(),
)('a domain whose records external-dns publishes in BIND', () => {
  const folder = mkdtempSync(join(tmpdir(), 'relayfleet-external-dns-'))
  const resolver = new Resolver()
  resolver.setServers([address])
  const line: string[] = []
  let named: Awaited<ReturnType<typeof startNamed>> | undefined
  let publishing: Awaited<ReturnType<typeof startExternalDns>> | undefined
  let operator: Installation
  let fleet: FleetOnNode

  beforeAll(async () => {
    loopback('add')
    const zones = { test: [], [zone]: ['foreign TXT foreign'] }
    named = await startNamed(join(folder, 'named'), { side: ['env'], address, zones, updateKey: key })
    operator = install()
    apply([dnsEndpointCrd])
    kubectl(['wait', '--for=condition=Established', `crd/${dnsEndpointCrd.metadata.name}`, '--timeout=30s'])
    fleet = await fleetOnNode(operator, 1)
    const names = ['_domainkey', '_dmarc'].map((label) => `${label}.${senderDomain(fleet.namespace)}`)
    publishing = await startExternalDns({ kubeconfig: theCluster().kubeconfig, address, zone, names, key })
  }, 300_000)
  afterAll(async () => {
    process.stderr.write(`\n${line.join('\n')}\n`)
    await publishing?.stop()
    await named?.stop()
    loopback('delete')
    rmSync(folder, { recursive: true, force: true })
    kubectl(['delete', 'crd', dnsEndpointCrd.metadata.name, '--ignore-not-found'])
    operator?.uninstall()
  }, 120_000)

  let begin = performance.now()
  const patiently = (what: string, probe: Parameters<typeof until>[1]): Promise<unknown> =>
    until(what, probe, patienceMs, 500)
  let edits = 60
  /** An edit has the records looked at now. How soon the operator looks by itself is seen once, at the first keys. */
  const reaches = (what: string, isReached: () => boolean): Promise<unknown> =>
    until(
      what,
      () => {
        if (isReached()) return true
        edits += 1
        edit('senderdomain', 'shop', { verifyEvery: `${edits}s` })
        return false
      },
      patienceMs,
      4000,
    )
  const note = (what: string): void => {
    line.push(`${((performance.now() - begin) / 1000).toFixed(0).padStart(4)} s  ${what}`)
  }
  const edit = (kind: string, name: string, spec: object): string =>
    kubectl(['-n', fleet.namespace, 'patch', kind, name, '--type=merge', '-p', JSON.stringify({ spec })])
  const keys = (): readonly DkimKeyStatus[] =>
    JSON.parse(kubectl(['-n', fleet.namespace, 'get', 'senderdomain', 'shop', '-o', 'json'])).status.dkimKeys ?? []
  const inStage = (stage: string): readonly string[] =>
    keys()
      .filter((k) => k.stage === stage)
      .map(({ selector }) => selector)
  /** The TXT record that BIND has at this name below the domain; undefined if there is none. */
  const txt = (name: string): Promise<string | undefined> =>
    resolver.resolveTxt(`${name}.${senderDomain(fleet.namespace)}`).then(
      (records) => records.map((strings) => strings.join('')).join(' | '),
      (error: NodeJS.ErrnoException) => {
        if (error.code !== 'ENOTFOUND' && error.code !== 'ENODATA') throw error
        return undefined
      },
    )
  const keyRecord = (selector: string) => txt(`${selector}._domainkey`)
  const areGone = async (selectors: readonly string[]): Promise<boolean> =>
    (await Promise.all(selectors.map(keyRecord))).every((record) => record === undefined)
  const endpoint = () => JSON.parse(kubectl(['-n', fleet.namespace, 'get', 'dnsendpoint', 'shop', '-o', 'json']))
  /** How often external-dns has sent that one of these is to go. */
  const attempts = (selectors: readonly string[]): number =>
    [...(publishing?.log() ?? '').matchAll(/Removing RR: ([^.\s]+)/g)].filter(([, s = '']) => selectors.includes(s))
      .length
  /** Removes the record of a key as docs/platform-team.md says. */
  function takeAway(selector: string): void {
    const name = `${selector}._domainkey.${senderDomain(fleet.namespace)}`
    const { status, stderr } = spawnSync('nsupdate', ['-y', `hmac-sha256:${key.name}:${key.secret}`], {
      input: `server ${address}\nupdate delete ${name} TXT\nsend\n`,
      encoding: 'utf8',
    })
    if (status !== 0) throw new Error(stderr)
  }
  const isValid = (): boolean =>
    conditionsOf('senderdomain', fleet.namespace, 'shop').some((c) => c.type === 'DKIMValid' && c.status === 'True')

  let count = 0
  /** Submits a message as an application does; returns the selectors whose signatures on it verify by the records that BIND has. */
  async function signers(): Promise<readonly string[]> {
    const [pod] = fleet.pods()
    const session = await SmtpSession.open({
      ...fleet.access,
      ...{ host: pod?.ip ?? '', port: 2587, servername: fleet.access.host },
    })
    const id = `signed-${count++}`
    const reversePath = `orders@${senderDomain(fleet.namespace)}`
    const message = loadMessage({ id, reversePath, forwardPaths: ['customer@example.net'] }, 2000)
    await session.expect(session.submit(message), 250)
    await session.quit()
    await until(`${id} arrives`, async () => id in (await fleet.receiver.ask<object>('/arrivals')))
    const content = Buffer.from(await fleet.receiver.ask<string>('/last'), 'base64')
    const { results } = await dkimVerify(content, { resolver: (name) => resolver.resolveTxt(name) })
    return results
      .flatMap(({ selector, status }) => (status.result === 'pass' && selector ? [selector] : []))
      .toSorted()
  }

  test('has its keys published, seen and signing, then followed by others, and in the end gone from BIND', async () => {
    const { routes } = JSON.parse(kubectl(['-n', fleet.namespace, 'get', 'relaypolicy', 'shared', '-o', 'json'])).spec
    // A record stays for as long as mail may be under way.
    const retry = { schedule: ['1s'], expireAfter: '5s' }
    edit('relaypolicy', 'shared', { routes: routes.map((route: object) => ({ ...route, retry })) })
    begin = performance.now()
    edit('senderdomain', 'shop', {
      dns: { publisher: 'DNSEndpoint', resolvers: [address] },
      dkim: { mode: 'Managed', signedBy: null, rotation: { every: '2160h', overlap: '1s' } },
      expect: { dmarc: { minimumPolicy: 'reject' } },
      verifyEvery: '1m',
    })
    note(`SenderDomain ${senderDomain(fleet.namespace)}: keys Managed, publisher DNSEndpoint`)

    // The stage of the keys is not judged here, since their records may be there, and seen, before anybody looks.
    await patiently('two keys are made', () => keys().length === 2)
    const first = keys()
    note(`made: ${first.map((k) => k.selector).join(', ')}`)
    for (const { selector, publicKey } of first) {
      await patiently(`BIND has ${selector}`, async () => (await keyRecord(selector))?.endsWith(`p=${publicKey}`))
    }
    expect(await txt('_dmarc')).toBe('v=DMARC1; p=reject')
    note('BIND has both records, and that of DMARC')
    await patiently('DKIMValid=True', isValid)
    note('DKIMValid=True')
    await reaches('both keys sign', () => inStage('Active').length === 2)
    note('both are Active')
    const old = inStage('Active')
    await patiently('mail is signed', async () => (await signers()).join() === old.toSorted().join())
    note(`mail that arrives is signed by both, and verifies by BIND's word`)

    edit('senderdomain', 'shop', { dkim: { rotation: { every: '2s' } } })
    const others = () => keys().flatMap(({ selector }) => (old.includes(selector) ? [] : [selector]))
    await patiently('two more are made', () => others().length === 2)
    const fresh = others()
    edit('senderdomain', 'shop', { dkim: { rotation: { every: '2160h' } } })
    note(`rotation: made ${fresh.join(', ')}`)
    await patiently('both kinds are in BIND', async () => {
      const found = await Promise.all([...old, ...fresh].map(keyRecord))
      return found.every((record) => record !== undefined)
    })
    note('BIND has four records')
    await reaches('the new ones sign', () => fresh.every((s) => inStage('Active').includes(s)))
    note('the new ones are Active')
    await patiently('the old ones are over', () => old.every((s) => inStage('Retired').includes(s)))
    note('the old ones are Retired')
    await patiently('mail is signed anew', async () => (await signers()).join() === fresh.toSorted().join())
    note('mail that arrives is signed by the new ones, and verifies')
    await patiently('external-dns is asked for the new records only', () => {
      const { metadata, status, spec } = endpoint()
      const isRead = status?.observedGeneration === metadata.generation
      return isRead && !old.some((selector) => JSON.stringify(spec).includes(selector))
    })
    note('external-dns has read that it is asked for the new records only')
    const before = attempts(old)
    await patiently(
      'external-dns has tried',
      async () => attempts(old) >= before + 2 * old.length || (await areGone(old)),
    )
    // Where external-dns can not take them away, a person does (docs/platform-team.md), and nothing brings them back.
    const byHand = !(await areGone(old))
    if (byHand) for (const selector of old) takeAway(selector)
    note(
      `BIND has the old records no more: ${byHand ? 'external-dns tried and could not, nsupdate did' : 'external-dns took them away'}`,
    )
    const after = publishing?.log().length ?? 0
    await patiently('external-dns has gone on', () => !byHand || (publishing?.log().length ?? 0) > after)
    expect(await areGone(old)).toBe(true)
    for (const selector of fresh) expect(await keyRecord(selector)).toBeDefined()
    await patiently('DKIMValid=True', isValid)
    expect(await resolver.resolveTxt(`foreign.${zone}`)).toEqual([['foreign']])
  }, 840_000)
})
