/** On a real node, an application without any Secret submits by the kubelet's token, and an account that is no longer named is refused at once. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { helmInstalled } from '../../chart/helm.ts'
import type { Access } from '../../local/smtp-session.ts'
import { until } from '../../local/until.ts'
import { givenCluster } from '../cluster.ts'
import { apply, ensureNamespace, type Installation, install, kubectl, ready } from './installation.ts'
import { startProgram } from './program-pod.ts'
import { quantile } from './quantile.ts'

const runs = process.env['RELAYFLEET_LONG'] === undefined ? 5 : 20
const examples = join(import.meta.dirname, '../../../examples/without-a-secret')
const of = ['-n', 'bookshop']

describe.runIf(givenCluster() !== undefined && helmInstalled())('without a Secret, on a node', () => {
  let installed: Installation
  beforeAll(async () => {
    installed = install()
    for (const name of ['mail', 'bookshop']) ensureNamespace(name)
    for (const name of ['platform', 'application']) apply(example(name))
    await ready('relaycredential', 'bookshop', 'orders')
    await ready('relaypolicy', 'mail', 'shared')
  }, 240_000)
  afterAll(() => {
    installed?.uninstall()
  }, 60_000)

  const example = (name: string): string =>
    readFileSync(join(examples, `${name}.yaml`), 'utf8').replaceAll(
      'relayfleet.dev/relayfleet:0.1.0',
      installed.image.name,
    )
  const logs = (...more: readonly string[]): string => kubectl([...of, 'logs', 'deployment/orders', ...more])

  test('a Deployment sends mail, and there is no Secret in its namespace', async () => {
    kubectl([...of, 'rollout', 'status', 'deployment/orders', '--timeout=60s'])
    await until('mail is accepted', () => /^ACCEPTED {2}250 2\.0\.0 /m.test(logs()), 60_000)
    expect(logs()).toMatch(/AUTH (PLAIN|LOGIN) \*\*\*\*/)
    expect(kubectl([...of, 'get', 'secrets', '-o', 'name'])).toBe('')
  })

  test('an account that is taken out of the credential is refused by every relay', async () => {
    const client = await startProgram(installed.api, 'client', 'bookshop', installed.image.name)
    const { data } = JSON.parse(kubectl([...of, 'get', 'configmap', 'orders-smtp', '-o', 'json'])) as {
      readonly data: { readonly host: string; readonly username: string; readonly certificates: string }
    }
    const password = kubectl([...of, 'create', 'token', 'orders', '--audience=relayfleet']).trim()
    kubectl(['-n', 'mail', 'rollout', 'status', 'statefulset/shared', '--timeout=120s'])
    const pods = kubectl(['-n', 'mail', 'get', 'pods', '-l', 'relayfleet.dev/policy=shared', '-o', podIps]).split(' ')
    expect(pods.length).toBe(2)
    const accesses = pods.map(
      (host): Access => ({
        host,
        port: 2587,
        tls: 'StartTLS',
        servername: data.host,
        ca: data.certificates,
        login: { username: data.username, password },
      }),
    )
    const name = (account: string): void => {
      const patch = JSON.stringify({ spec: { serviceAccounts: [{ name: account }] } })
      kubectl([...of, 'patch', 'relaycredential', 'orders', '--type=merge', '-p', patch])
    }
    const times: number[] = []
    for (let run = 0; run < runs; run++) {
      for (const access of accesses) await client.ask('/admitted', access)
      const refusals = accesses.map((access) => client.ask<{ at: number; reply: string }>('/refused', access))
      const begin = Date.now()
      name('somebody-else')
      const refused = await Promise.all(refusals)
      for (const { reply } of refused) expect(reply).toMatch(/got 535 .*\(credential\.serviceAccounts\)/)
      times.push(Math.max(...refused.map(({ at }) => at)) - begin)
      if (run === 0) await until('the Deployment is told', () => /serviceAccounts\)/.test(logs()), 30_000)
      name('orders')
      await ready('relaycredential', 'bookshop', 'orders')
    }
    process.stderr.write(
      `a service account taken out to refusal on 2 pods, ${runs} runs: p50 ${quantile(times, 0.5)} ms, ` +
        `p99 ${quantile(times, 0.99)} ms, all ${times.join(' ')}\n`,
    )
    expect(quantile(times, 0.99)).toBeLessThan(runs > 5 ? 2000 : 5000)
  }, 300_000)
})

const podIps = 'jsonpath={.items[*].status.podIP}'
