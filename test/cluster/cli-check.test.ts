/** `check` of a cluster tells a person what the operator wrote, what compiling finds, and what is not known. */
import { beforeAll, describe, expect, test } from 'vitest'
import { until } from '../local/until.ts'
import { commanded } from '../operator/cli/commanded.ts'
import { type Api, accepted, apiOf } from './api.ts'
import { givenCluster, theCluster } from './cluster.ts'
import { clusterBut, leases } from './cluster-but.ts'
import { declarer, type Said } from './declare.ts'
import type { Rule } from './grant.ts'
import { installCrds } from './install-crds.ts'
import { newNamespace } from './namespace.ts'
import { person, readsNamespaces, readsOurKinds } from './person.ts'

const fine = { Accepted: 'True', ResolvedRefs: 'True', Programmed: 'True' } as const

describe.runIf(givenCluster() !== undefined)('check of a cluster', () => {
  let api: Api
  beforeAll(async () => {
    api = apiOf(theCluster().access)
    await installCrds(api)
  })

  type Rights = 'here' | 'everywhere' | readonly Rule[]

  /** A namespace with a domain of its own, and what somebody with such rights reads in it. */
  async function looked(rights: Rights = 'here') {
    const namespace = await newNamespace(theCluster(), api)
    const rules = typeof rights === 'string' ? [readsOurKinds, readsNamespaces] : rights
    const kubeconfig = await person(theCluster().access, api, { [rights === 'everywhere' ? '*' : namespace]: rules })
    const check = async (...more: readonly string[]) => {
      const argv = ['check', '--kubeconfig', kubeconfig, ...(more.includes('-A') ? [] : ['-n', namespace]), ...more]
      const { code, out, err } = await commanded(...argv)
      const lines = out.trimEnd().replaceAll(namespace, 'NS').split('\n')
      return { code, lines, err: err.replaceAll(namespace, 'NS').trimEnd() }
    }
    const declare = declarer(api, namespace)
    const dkim = { mode: 'Off', signedBy: 'Smarthost' }
    await declare.domain('example', { domain: `${namespace}.example`, dkim }, fine)
    await declare.policy('shared', {}, fine)
    return { namespace, check, declare }
  }

  test('says that all is in order', async () => {
    const { check } = await looked()
    expect(await check()).toEqual({ code: 0, err: '', lines: ['no errors in the 2 objects of namespace NS'] })
  })

  test('prints what the operator wrote: errors first, each once, and no consequence of another', async () => {
    const { check, declare } = await looked()
    const suspended = 'spec.suspended is true; set it to false to resume'
    const noSecret = 'there is no Secret NS/tls; create it with tls.crt, tls.key'
    await declare.policy(
      'broken',
      {},
      { ResolvedRefs: ['False', 'SecretNotFound', noSecret], Programmed: ['False', 'Held', 'stays'] },
    )
    await declare.policy('slow', {}, { ...fine, Degraded: ['True', 'QueueOld', '3 messages are queued'] })
    await declare.policy('new', {}, { ...fine, Programmed: ['Unknown', 'Pending', 'waiting for the relays'] })
    await declare.policy('off', { suspended: true }, { ...fine, Suspended: ['True', 'Suspended', suspended] })
    await declare.policy('expiring', {}, { ...fine, CertificateValid: ['False', 'Expiring', 'it ends tomorrow'] })
    expect(await check()).toEqual({
      code: 1,
      err: '',
      lines: [
        `error: RelayPolicy NS/broken ResolvedRefs: ${noSecret} (SecretNotFound)`,
        'error: RelayPolicy NS/expiring CertificateValid: it ends tomorrow (Expiring)',
        'error: RelayPolicy NS/slow Degraded: 3 messages are queued (QueueOld)',
        'warning: RelayPolicy NS/new Programmed: waiting for the relays (Pending)',
        `warning: RelayPolicy NS/off spec.suspended: ${suspended} (Suspended)`,
        '3 errors in namespace NS',
      ],
    })
  })

  test('prints broken records once, with the mend, and a warning for a domain that nothing signs', async () => {
    const { check, declare, namespace } = await looked()
    const missing = 'TXT broken.example: there is none'
    const published = `${missing}; the values that are wanted are in status.records`
    const domains: Readonly<Record<string, Readonly<Record<string, Said>>>> = {
      broken: {
        SPFValid: ['False', 'RecordMissing', missing],
        RecordsPublished: ['False', 'NotPublished', published],
      },
      undelegated: { RecordsPublished: ['False', 'NotDelegated', 'the next key waits for it'] },
      unanswered: { DMARCValid: ['Unknown', 'RecordUnknown', 'nobody who was asked could say'] },
    }
    const dkim = { mode: 'Off', signedBy: 'Smarthost' }
    for (const [name, found] of Object.entries(domains)) {
      await declare.domain(name, { domain: `${name}.${namespace}.example`, dkim }, { ...fine, ...found })
    }
    await declare.domain('unsigned', { domain: `unsigned.${namespace}.example` }, fine)
    expect(await check()).toEqual({
      code: 1,
      err: '',
      lines: [
        `error: SenderDomain NS/broken RecordsPublished: ${published} (NotPublished)`,
        'warning: SenderDomain NS/unanswered DMARCValid: nobody who was asked could say (RecordUnknown)',
        'warning: SenderDomain NS/undelegated RecordsPublished: the next key waits for it (NotDelegated)',
        expect.stringMatching(
          /^warning: SenderDomain NS\/unsigned spec.dkim: mail from .* is not signed .*\(NotSigned\)$/,
        ),
        '1 error in namespace NS',
      ],
    })
  })

  test('names the field to whoever may see every namespace, beside what only the operator knows', async () => {
    const { check, declare, namespace } = await looked('everywhere')
    const noPolicy = `there is no RelayPolicy ${namespace}/sharde; correct spec.policyRef`
    await declare.credential(
      'web',
      { policyRef: { name: 'sharde' } },
      {
        Accepted: ['False', 'PolicyNotFound', noPolicy],
        ResolvedRefs: ['False', 'PolicyNotFound', noPolicy],
        Programmed: ['False', 'NotUsable', 'no relay accepts this credential; see Accepted'],
      },
    )
    await declare.credential('job', {}, { ...fine, Accepted: ['False', 'Conflicted', 'Secret job is there already'] })
    const found = await check()
    expect(found).toEqual({
      code: 1,
      err: '',
      lines: [
        'error: RelayCredential NS/job Accepted: Secret job is there already (Conflicted)',
        'error: RelayCredential NS/web spec.policyRef: there is no RelayPolicy NS/sharde; correct spec.policyRef (PolicyNotFound)',
        '2 errors in namespace NS',
      ],
    })
    expect((await check('-A')).lines).toEqual(expect.arrayContaining(found.lines.slice(0, -1)))
  })

  test('prints an object, and an edit, that no operator has looked at', async () => {
    const { check, declare, namespace } = await looked()
    await declare.policy('fresh', {})
    const path = `/apis/relayfleet.dev/v1alpha1/namespaces/${namespace}/relaypolicies/shared`
    accepted(await api.patch(path, { spec: { replicas: 3 } }))
    expect(await check()).toEqual({
      code: 1,
      err: '',
      lines: [
        'error: RelayPolicy NS/fresh: no operator has looked at it yet; is the operator running, and does it watch ' +
          'namespace NS? (NotObserved)',
        'error: RelayPolicy NS/shared: its newest edit was not looked at: it is generation 2, and its status speaks ' +
          'of 1; is the operator running, and does it watch namespace NS? (NotObserved)',
        '2 errors in namespace NS',
      ],
    })
  })

  test('has no finding on an edit that the operator looks at a moment later', async () => {
    const { declare, namespace } = await looked()
    await declare.policy('fresh', {})
    const policies = `/apis/relayfleet.dev/v1alpha1/namespaces/${namespace}/relaypolicies`
    const { kubeconfig, proxy } = await clusterBut(leases())
    const check = commanded('check', '--kubeconfig', kubeconfig, '-n', namespace)
    await until('check has looked twice', () => proxy.seen.filter(({ path }) => path === policies).length > 1)
    const operator = { observedGeneration: 1, conditions: [] }
    accepted(await api.patch(`${policies}/fresh/status`, { status: operator }))
    expect(await check).toEqual({ code: 0, err: '', out: `no errors in the 3 objects of namespace ${namespace}\n` })
  })

  test('says what may not be listed, and checks the rest', async () => {
    const { check } = await looked([{ ...readsOurKinds, resources: ['relaypolicies', 'relaycredentials'] }])
    expect(await check()).toEqual({
      code: 0,
      err: '',
      lines: [
        'warning: senderdomains: nothing is said of them: you may not list senderdomains.relayfleet.dev in namespace ' +
          'NS; ask for a role with the verb list on senderdomains.relayfleet.dev there (Forbidden)',
        'no errors in the 1 objects of namespace NS',
      ],
    })
  })

  test('names the first missing right to somebody who has none', async () => {
    const { check } = await looked([])
    const right = (where: string) =>
      `relayfleet: you may not list relaypolicies.relayfleet.dev ${where}; ask for a role with the verb list on ` +
      'relaypolicies.relayfleet.dev there'
    expect(await check()).toEqual({ code: 3, lines: [''], err: right('in namespace NS') })
    expect(await check('-A')).toEqual({ code: 3, lines: [''], err: right('in all namespaces') })
  })

  test('says of an empty namespace that it is empty', async () => {
    const empty = await newNamespace(theCluster(), api)
    // A person who may see Leases is told of every operator that ended badly, of those of other suites, too.
    const kubeconfig = await person(theCluster().access, api, { [empty]: [readsOurKinds, readsNamespaces] })
    const { code, out } = await commanded('check', '--kubeconfig', kubeconfig, '-n', empty)
    expect(out.trimEnd().split('\n').at(-1)).toBe(
      `there is no object of ours in namespace ${empty}; -A looks into all namespaces`,
    )
    expect(code).toBe(0)
  })

  test('-o json says the same, for programs', async () => {
    const { check, declare } = await looked('everywhere')
    await declare.credential('web', { policyRef: { name: 'sharde' } }, fine)
    const { code, lines } = await check('-o', 'json')
    expect(code).toBe(1)
    expect(JSON.parse(lines.join('\n'))).toEqual({
      findings: [
        {
          severity: 'error',
          object: 'RelayCredential NS/web',
          condition: 'Accepted',
          field: 'spec.policyRef',
          reason: 'PolicyNotFound',
          message: 'there is no RelayPolicy NS/sharde; correct spec.policyRef',
        },
      ],
    })
  })
})
