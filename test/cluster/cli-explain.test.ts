/** `explain` gives the same answer from a cluster's objects as from a folder's, as far as whoever asks may see them. */
import { beforeAll, describe, expect, test } from 'vitest'
import { openApi } from '../../operator/cluster/api/api.ts'
import { connectionFromFile } from '../../operator/cluster/api/connection.ts'
import { snapshotOnce } from '../../operator/cluster/person/once.ts'
import { compile } from '../../operator/compile/compile.ts'
import { configSecrets } from '../../operator/manifests/config-secrets.ts'
import { commanded } from '../operator/cli/commanded.ts'
import { type Api, accepted, apiOf } from './api.ts'
import { givenCluster, theCluster } from './cluster.ts'
import { declarer } from './declare.ts'
import type { Rule } from './grant.ts'
import { installCrds } from './install-crds.ts'
import { newNamespace } from './namespace.ts'
import { person, readsNamespaces, readsOurKinds } from './person.ts'

const readsSecrets: Rule = { apiGroups: [''], resources: ['secrets'], verbs: ['get'] }

describe.runIf(givenCluster() !== undefined)('explain of a cluster', () => {
  let api: Api
  beforeAll(async () => {
    api = apiOf(theCluster().access)
    await installCrds(api)
  })

  /** A fleet, a domain and a credential, and somebody who asks about them. */
  async function asked(where: 'everywhere' | 'here' = 'everywhere', more: readonly Rule[] = []) {
    const namespace = await newNamespace(theCluster(), api)
    const declare = declarer(api, namespace)
    await declare.policy('shared', { recipients: { mode: 'AllowList', allow: { domains: ['allowed.example'] } } })
    await declare.domain('example', { domain: `${namespace}.example` })
    const keys = [{ id: 'first', verifier: `sha256:${'a'.repeat(64)}` }]
    await declare.credential('web', {}, {}, { username: `web.${namespace}`, keys })
    const rights = { [where === 'here' ? namespace : '*']: [readsOurKinds, readsNamespaces, ...more] }
    const kubeconfig = await person(theCluster().access, api, rights)
    const explain = async (from: string, to: string, ...rest: readonly string[]) => {
      const cluster = ['--kubeconfig', kubeconfig, '-n', namespace]
      const credential = rest.includes('--credential') ? [] : ['--credential', 'web']
      const argv = ['explain', ...cluster, ...credential, '--from', from, '--to', to, ...rest]
      const { code, out, err } = await commanded(...argv)
      const told = (text: string) => text.trimEnd().replaceAll(namespace, 'NS')
      return { code, err: told(err), lines: told(out).split('\n') }
    }
    return { namespace, declare, explain, kubeconfig }
  }

  const sent = [
    'ACCEPTED  and sent by the routes of NS/shared',
    '  to     you@allowed.example by route default, to smarthost out',
  ]

  test('says of an allowed message by which route it is sent', async () => {
    const { explain, namespace } = await asked()
    const { code, lines } = await explain(`app@${namespace}.example`, 'you@allowed.example')
    expect([code, lines.slice(-2)]).toEqual([0, sent])
  })

  test('says of a refused message the rule, the object and its field, the mend, and what would be allowed', async () => {
    const { explain } = await asked()
    expect(await explain('ceo@other.example', 'you@allowed.example')).toEqual({
      code: 1,
      err: '',
      lines: [
        'ok       connect (networks not judged: no --client)',
        'ok       AUTH as web.NS',
        'refused  MAIL FROM:<ceo@other.example>  →  550 5.7.1 this credential may not send as this reverse-path (senderRules.envelopeFrom)',
        '',
        'REFUSED  550 5.7.1 this credential may not send as this reverse-path (senderRules.envelopeFrom)',
        '  rule   senderRules.envelopeFrom (spec.senderRules.envelopeFrom of RelayPolicy NS/shared)',
        expect.stringMatching(/^ {2}mend {3}use a reverse-path in the credential's domains/),
        '  may    anything@NS.example (SenderDomain NS/example)',
      ],
    })
  })

  test('-o json names the object and the field', async () => {
    const { explain, namespace } = await asked()
    const { code, lines } = await explain(`app@${namespace}.example`, 'you@elsewhere.example', '-o', 'json')
    expect(code).toBe(1)
    expect(JSON.parse(lines.join('\n'))).toMatchObject({
      verdict: 'refused',
      rule: 'recipients.allow',
      object: 'RelayPolicy NS/shared',
      field: 'spec.recipients.allow',
    })
  })

  test('says that a credential is not there, and which one was meant', async () => {
    const { explain } = await asked()
    expect(await explain('a@b.example', 'c@d.example', '--credential', 'wbe')).toEqual({
      code: 2,
      lines: [''],
      err: 'relayfleet: there is no RelayCredential NS/wbe in the cluster; did you mean NS/web?',
    })
  })

  test('says why no relay knows a credential', async () => {
    const { declare, explain } = await asked()
    await declare.credential('lost', { policyRef: { name: 'gone' } })
    expect(await explain('a@b.example', 'c@d.example', '--credential', 'lost')).toMatchObject({
      code: 1,
      lines: expect.arrayContaining([
        'REFUSED  no relay knows RelayCredential NS/lost, so it can not log in',
        '  PolicyNotFound: there is no RelayPolicy NS/gone; correct spec.policyRef',
      ]),
    })
  })

  test('says that too little may be seen, to somebody who sees one namespace and asks about another', async () => {
    const { declare, explain } = await asked('here')
    await declare.credential('far', { policyRef: { name: 'shared', namespace: 'mail' } })
    const { code, lines, err } = await explain('a@b.example', 'c@d.example', '--credential', 'far')
    expect([code, lines]).toEqual([3, ['']])
    expect(err).toMatch(/^relayfleet: too little may be seen to answer: relaypolicies outside of NS: /)
  })

  test('answers for a held fleet by what it keeps, if its Secrets may be read', async () => {
    const { explain, namespace, kubeconfig } = await asked('everywhere', [readsSecrets])
    const fleet = `${namespace}/shared` as const
    const reader = openApi(connectionFromFile(kubeconfig))
    const { snapshot } = await snapshotOnce(reader, {}, AbortSignal.timeout(10_000))
    const { config } = compile(snapshot).fleets.get(fleet) ?? {}
    if (config === undefined) throw new Error('the fleet does not run')
    for (const secret of configSecrets(fleet, config)) {
      accepted(await api.create(`/api/v1/namespaces/${namespace}/secrets`, secret))
    }
    const listeners = [{ name: 'submission', port: 587, tls: { certificateRef: { name: 'missing' } } }]
    const path = `/apis/relayfleet.dev/v1alpha1/namespaces/${namespace}/relaypolicies/shared`
    accepted(await api.patch(path, { spec: { listeners } }))
    const { code, lines } = await explain(`app@${namespace}.example`, 'you@allowed.example')
    const note =
      '  note   RelayCredential NS/web: the relays of RelayPolicy NS/shared stay as they were until the problem in its conditions is mended'
    expect([code, lines.slice(-3)]).toEqual([0, [...sent, note]])
  })
})
