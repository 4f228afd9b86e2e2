/** A domain's DKIM keys are published, seen and rotated beside BIND, whose zone has what the status asks for; a time line is printed. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { runOperator } from '../../operator/cluster/operator.ts'
import type { DkimKeyStatus } from '../../operator/lifecycle/recorded-dkim-keys.ts'
import { zoneFileLine } from '../../operator/lifecycle/txt-record.ts'
import { asRoot } from '../local/as-root.ts'
import { startNamed } from '../local/named.ts'
import { installed } from '../local/programs.ts'
import { until } from '../local/until.ts'
import { type Api, accepted, apiOf } from './api.ts'
import { givenCluster, theCluster } from './cluster.ts'
import { declarer } from './declare.ts'
import { type FaultProxy, faultProxy } from './fault-proxy.ts'
import { conditionsOf, installCrds } from './install-crds.ts'
import { newNamespace } from './namespace.ts'

type Wanted = { readonly name: string; readonly type: 'TXT'; readonly want: string }

/** An address of this run alone, since the server of a resolver has to be on port 53. */
const address = `127.58.${process.pid % 250}.${(process.pid >> 8) % 250}`
/** How long a step of a key may take, which needs a look of its own, some seconds after the one before. */
const patienceMs = 40_000

describe.runIf(givenCluster() !== undefined && asRoot('port 53') && installed('named', 'dig', 'ip'))(
  'a domain and its zone in BIND',
  () => {
    const folder = mkdtempSync(join(tmpdir(), 'relayfleet-bind-'))
    const ending = new AbortController()
    const line: string[] = []
    const begin = performance.now()
    let admin: Api
    let proxy: FaultProxy
    let named: Awaited<ReturnType<typeof startNamed>>
    let running: Promise<void>
    let [namespace, domain] = ['', '']

    beforeAll(async () => {
      admin = apiOf(theCluster().access)
      await installCrds(admin)
      namespace = await newNamespace(theCluster(), admin)
      domain = `${namespace}.test`
      // BIND listens where an interface has an address.
      execFileSync('ip', ['address', 'add', `${address}/32`, 'dev', 'lo'])
      named = await startNamed(join(folder, 'named'), { side: ['env'], address, zones: { test: [] } })
      const retry = { schedule: ['1s'], expireAfter: '1s' }
      const routes = [{ name: 'default', smarthosts: [{ name: 'out', host: 'smtp.example.net' }], retry }]
      await declarer(admin, namespace).policy('shared', { replicas: 0, routes })
      proxy = await faultProxy(theCluster().access)
      running = runOperator(
        {
          ...{ connection: proxy.connection, namespace, watchNamespaces: [namespace], identity: 'first' },
          image: 'relayfleet.dev/relayfleet:test',
          tell: () => undefined,
          timing: { lookMs: 300, verifyMs: 200 },
        },
        ending.signal,
      )
    })
    afterAll(async () => {
      ending.abort()
      await running
      await proxy.close()
      await named.stop()
      execFileSync('ip', ['address', 'delete', `${address}/32`, 'dev', 'lo'])
      rmSync(folder, { recursive: true, force: true })
      process.stderr.write(`\n${line.join('\n')}\n`)
    })

    const path = (): string => `/apis/relayfleet.dev/v1alpha1/namespaces/${namespace}/senderdomains/shop`
    const now = async () => {
      const object = accepted(await admin.get(path()))
      const { dkimKeys = [], records = [] } = (object['status'] ?? {}) as {
        readonly dkimKeys?: readonly DkimKeyStatus[]
        readonly records?: readonly Wanted[]
      }
      return { keys: dkimKeys, records, conditions: conditionsOf(object) }
    }
    const note = (what: string): void => {
      line.push(`${((performance.now() - begin) / 1000).toFixed(1).padStart(6)} s  ${what}`)
    }
    /** Resolves when the keys are in these stages; says what the conditions say then. */
    const reaches = async (...stages: readonly string[]) => {
      const reached = await until(
        `the keys are ${stages}`,
        async () => {
          const { keys, records, conditions } = await now()
          return keys.map((k) => k.stage).join() === stages.join() && records.length > 0
            ? { keys, conditions }
            : undefined
        },
        patienceMs,
      )
      const told = reached.conditions.filter(({ type }) => type === 'DKIMValid' || type === 'RotationInProgress')
      note(
        `${reached.keys.map((k) => `${k.selector} ${k.stage}`).join(', ')}; ${told.map((c) => `${c.type}=${c.status} ${c.reason}`).join(', ')}`,
      )
      return reached.keys
    }
    const says = (type: string, status: string): Promise<unknown> =>
      until(`${type}=${status}`, async () =>
        (await now()).conditions.some((c) => c.type === type && c.status === status),
      )
    /** Writes the wanted records, and nothing else, into the zone, as a person who pastes them does. */
    const publish = async (): Promise<void> => {
      const records = (await now()).records.filter(({ want }) => want !== '')
      named.reload(
        'test',
        records.map(({ name, type, want }) => zoneFileLine({ name, type, value: want })),
      )
      note(`the zone has ${records.map(({ name }) => name.split('.')[0]).join(', ') || 'nothing'}`)
    }
    const dig = (selector: string): string =>
      execFileSync('dig', [`@${address}`, '+short', '+time=2', '+tries=2', 'TXT', `${selector}._domainkey.${domain}`], {
        encoding: 'utf8',
      }).trim()
    const rotate = async (every: string): Promise<void> => {
      const dkim = { algorithms: ['rsa2048'], rotation: { every, overlap: '1s' } }
      accepted(await admin.patch(path(), { spec: { dkim } }))
    }

    test('have the key published, valid and rotated, and in the end no record of the old one', async () => {
      const dkim = { algorithms: ['rsa2048'], rotation: { every: '2160h', overlap: '1s' } }
      await declarer(admin, namespace).domain('shop', { domain, dns: { resolvers: [address] }, dkim })
      note(`SenderDomain ${domain} applied`)
      const [first] = await reaches('Pending')
      const old = first?.selector ?? ''
      expect(dig(old)).toBe('')

      await publish()
      // The record is longer than 255 octets, so receivers get it in two strings.
      await until(
        'BIND has the record',
        () => dig(old).replaceAll('" "', '') === `"v=DKIM1; k=rsa; p=${first?.publicKey}"`,
      )
      await reaches('Active')
      await says('DKIMValid', 'True')
      note('DKIMValid=True')

      await rotate('2s')
      const [, second] = await reaches('Active', 'Pending')
      const fresh = second?.selector ?? ''
      await rotate('2160h')
      await until('both records are wanted', async () => (await now()).records.length === 2)
      await publish()
      await until('BIND has both records', () => dig(old) !== '' && dig(fresh) !== '')
      // The old key signs no more, and then its record is not wanted any more; until then it has to be there.
      await until(
        'the old key is retired',
        async () => {
          const { keys } = await now()
          const stage = keys.find((k) => k.selector === old)?.stage
          if (stage !== 'Retired') expect(dig(old)).not.toBe('')
          return stage === 'Retired'
        },
        patienceMs,
      )
      await reaches('Retired', 'Active')
      const published = (await until(
        'its record is told of',
        async () => (await now()).conditions.find(({ reason }) => reason === 'RetiredKeyPublished'),
        patienceMs,
      )) as { readonly message: string }
      expect(published.message).toContain(`TXT ${old}._domainkey.${domain}`)
      await publish()
      await until('BIND has one record', () => dig(old) === '' && dig(fresh) !== '')
      await says('DKIMValid', 'True')
      await says('RecordsPublished', 'True')
      note(`the record of ${old} is gone, ${fresh} signs`)
    }, 180_000)
  },
)
