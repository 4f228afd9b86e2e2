/** `send-test` to a cluster reaches a real relay through the API server; only the kubelet in between is a stand-in. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { boundCredential } from '../../operator/local/bound-credential.ts'
import { freePort } from '../local/free-port.ts'
import { commanded } from '../operator/cli/commanded.ts'
import { running } from '../operator/local/running.ts'
import { credential, domain, policy, yamlDirectory } from '../operator/local/yaml.ts'
import { type Api, accepted, apiOf } from './api.ts'
import { givenCluster, theCluster } from './cluster.ts'
import { declarer } from './declare.ts'
import { fakeKubelet } from './fake-kubelet.ts'
import type { Rule } from './grant.ts'
import { installCrds } from './install-crds.ts'
import { newNamespace } from './namespace.ts'
import { person, readsOurKinds } from './person.ts'
import { makeRelayPods } from './relay-pods.ts'

const may = (resources: readonly string[], verbs: readonly string[]): Rule => ({ apiGroups: [''], resources, verbs })
const sends = [
  readsOurKinds,
  may(['secrets'], ['get']),
  may(['pods'], ['list']),
  may(['pods/portforward'], ['get', 'create']),
]
const readsLogs = may(['pods/log'], ['get'])

/** Only our own control plane reaches a kubelet on this machine. */
const ownControlPlane = givenCluster()?.access.server.startsWith('https://127.0.0.1:') ?? false

describe.runIf(ownControlPlane)('send-test to a cluster', () => {
  let api: Api
  beforeAll(async () => {
    api = apiOf(theCluster().access)
    await installCrds(api)
  })

  /** Runs a relay in local mode, and makes the cluster tell of it as a pod with a binding Secret. */
  async function fleet(rules: readonly Rule[] = [...sends, readsLogs]) {
    const namespace = await newNamespace(theCluster(), api)
    const directory = yamlDirectory({
      'policy.yaml': policy('shared', await freePort(), {}, namespace),
      'domain.yaml': domain(),
      'credential.yaml': credential('web', 'shared', { policyRef: { name: 'shared', namespace } }),
    })
    const local = running(directory)
    await local.until('RelayCredential team-a/web', 'Ready', 'True')
    const { secret } = boundCredential(local.state, 'team-a/web')
    const log = local.state.fleet(`${namespace}/shared`).log
    const kubelet = await fakeKubelet(api, { port: secret.port, log: () => readFileSync(log, 'utf8') })
    onTestFinished(() => kubelet.close())
    const declare = declarer(api, namespace)
    await declare.policy('shared', {}, { Ready: 'True' })
    await declare.credential('web', {}, { Ready: 'True' }, { binding: { name: 'smtp' } })
    const stringData = { ...secret, host: `shared.${namespace}.svc`, port: '587' }
    accepted(await api.create(`/api/v1/namespaces/${namespace}/secrets`, { metadata: { name: 'smtp' }, stringData }))
    await makeRelayPods(api, namespace, 'shared', [{ name: 'shared-0', ready: true }], kubelet.node)
    const kubeconfig = await person(theCluster().access, api, { [namespace]: rules })
    const send = async (from: string, ...more: readonly string[]) => {
      const cluster = ['--kubeconfig', kubeconfig, '-n', namespace]
      const argv = ['send-test', ...cluster, '--credential', 'web', '--from', from, '--to', 'you@example.net', ...more]
      const { code, out, err } = await commanded(...argv)
      const told = (text: string) => text.trimEnd().replaceAll(namespace, 'NS')
      return { code, err: told(err), out: told(out), lines: told(out).split('\n') }
    }
    return { namespace, local, send, declare, secret }
  }

  test('sends over TLS that is verified for the name of the Service, and prints every hop and the verdict', async () => {
    const { send, local } = await fleet()
    const { code, err, out, lines } = await send('app@example.org')
    expect([code, err]).toEqual([0, ''])
    expect(lines[0]).toBe('by a port-forward to port 2587 of pod NS/shared-0, as shared.NS.svc is reached inside')
    expect(out).toMatch(/^ +\(TLS: the certificate of the relay is verified\)$/m)
    expect(out).toMatch(/^client {2}AUTH PLAIN \*\*\*\*$/m)
    expect(out).not.toContain(readFileSync(join(local.state.secret('team-a', 'web'), 'password'), 'utf8'))
    expect(out).toMatch(/^hop {5}captured instead of sent$/m)
    const queueId = /queued as (\S+)/.exec(out)?.[1] ?? 'none'
    expect(lines.at(-1)).toBe(`CAPTURED  ${queueId} is in the inbox of pod NS/shared-0`)
  })

  test('prints the rule of a refusal', async () => {
    const { send } = await fleet()
    const { code, out } = await send('ceo@example.com')
    expect(code).toBe(1)
    expect(out).toMatch(/^REFUSED {2}at MAIL FROM: 550 5\.7\.1 .*\(senderRules\.envelopeFrom\)$/m)
    expect(out).toContain('  rule   senderRules.envelopeFrom (spec.senderRules.envelopeFrom of RelayPolicy NS/shared)')
  })

  test('gives no password to a relay with another name in its certificate', async () => {
    const { send, namespace } = await fleet()
    const path = `/api/v1/namespaces/${namespace}/secrets/smtp`
    accepted(await api.patch(path, { data: { host: Buffer.from(`other.${namespace}.svc`).toString('base64') } }))
    const { code, out } = await send('app@example.org')
    expect(code).toBe(3)
    expect(out).toMatch(/^NO VERDICT {2}.*other\.NS\.svc/m)
    expect(out).not.toContain('AUTH')
  })

  test('says that the message is queued where the log may not be read, and which right would tell more', async () => {
    const { send } = await fleet(sends)
    const { code, lines } = await send('app@example.org')
    expect(code).toBe(1)
    expect(lines.at(-2)).toBe(
      'you may not get pods/log in namespace NS; ask for a role with the verb get on pods/log there',
    )
    expect(lines.at(-1)).toMatch(/^QUEUED {2}nothing more is known yet; follow \S+ in kubectl logs -n NS shared-0$/)
  })

  test.each([
    ['the Secret', 1, 'you may not get secrets in namespace NS; ask for a role with the verb get on secrets there'],
    ['the pods', 2, 'you may not list pods in namespace NS; ask for a role with the verb list on pods there'],
  ])('names the right that is missing to read %s', async (_what, missing, says) => {
    const { send } = await fleet(sends.filter((_, i) => i !== missing))
    expect(await send('app@example.org')).toMatchObject({ code: 3, out: '', err: `relayfleet: ${says}` })
  })

  test('has no verdict without a right to forward ports, and says why', async () => {
    const { send } = await fleet(sends.slice(0, 3))
    const { code, out } = await send('app@example.org')
    expect(code).toBe(3)
    expect(out).toMatch(/^NO VERDICT {2}/m)
    expect(out).toContain(
      'you may not forward a port of pod NS/shared-0: ask for the verbs get and create on pods/portforward',
    )
  })

  test('says that a credential is not there, has no Secret yet, or never has one', async () => {
    const { send, declare } = await fleet()
    const waits = ['False', 'PolicyNotFound', 'there is no RelayPolicy'] as const
    await declare.credential('new', { policyRef: { name: 'gone' } }, { Ready: waits })
    expect(await send('app@example.org', '--credential', 'wbe')).toMatchObject({
      code: 2,
      err: 'relayfleet: there is no RelayCredential NS/wbe in the cluster; did you mean NS/web?',
    })
    expect(await send('app@example.org', '--credential', 'new')).toMatchObject({
      code: 3,
      err: 'relayfleet: RelayCredential NS/new has no binding Secret yet: there is no RelayPolicy (PolicyNotFound)',
    })
    const byToken = { type: 'ServiceAccountToken', serviceAccounts: [{ name: 'pod' }] }
    await declare.credential('pod', byToken, { Ready: 'True' })
    expect(await send('app@example.org', '--credential', 'pod')).toMatchObject({
      code: 3,
      err: expect.stringContaining('RelayCredential NS/pod is of type ServiceAccountToken and has no Secret'),
    })
  })
})
