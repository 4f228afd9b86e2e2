/** A domain that two claim, or that changes its name: on both sides of a reference it is told who has it, and relays follow at once. */
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { helmInstalled } from '../chart/helm.ts'
import { until } from '../local/until.ts'
import { type Api, accepted, apiOf } from './api.ts'
import { givenCluster, theCluster } from './cluster.ts'
import { declarer } from './declare.ts'
import { conditionsOf, installCrds } from './install-crds.ts'
import { installChart } from './installed-chart.ts'
import { newNamespace } from './namespace.ts'
import { runningOperator } from './running-operator.ts'
import { writtenConfig } from './written-config.ts'

describe.runIf(givenCluster() !== undefined && helmInstalled())('the claim to a domain', () => {
  let admin: Api

  beforeAll(async () => {
    admin = apiOf(theCluster().access)
    await installCrds(admin)
  })

  /** A namespace, and an operator with the rights to watch it and no other one. */
  async function stage() {
    const namespace = await newNamespace({ ...theCluster(), controllers: false }, admin)
    const chart = await installChart(theCluster(), admin, (own) => ({ watchNamespaces: [own, namespace] }))
    onTestFinished(() => chart.uninstall())
    const declare = declarer(admin, namespace)
    await declare.policy('shared', {})
    const path = (plural: string, name: string) =>
      `/apis/relayfleet.dev/v1alpha1/namespaces/${namespace}/${plural}/${name}`
    await runningOperator(chart, namespace)
    return {
      namespace,
      declare,
      remove: async (name: string) => accepted(await admin.remove(path('senderdomains', name))),
      refer: async (name: string, domain: string) =>
        accepted(await admin.patch(path('relaycredentials', name), { spec: { senderDomainRefs: [{ name: domain }] } })),
      /** Waits until a condition reads so, and returns its message. */
      says: (plural: string, name: string, said: string): Promise<string> =>
        until(`${name} says ${said}`, async () => {
          const conditions = conditionsOf(accepted(await admin.get(path(plural, name))))
          return conditions.find(({ type, status, reason }) => `${type} ${status} ${reason}` === said)?.message
        }),
      /** Waits until the relays let a credential send as these domains, and as no others. */
      sendsAs: (credential: string, ...domains: readonly string[]) =>
        until(`${credential} may send as ${domains.join()}`, async () => {
          const config = await writtenConfig(admin, namespace, 'shared')
          const entry = config?.credentials.find(({ name }) => name === `${namespace}/${credential}`)
          const now = (entry?.senders ?? []).map(({ senderDomain, domain }) => `${senderDomain} ${domain}`)
          return now.join() === domains.map((domain) => `${namespace}/${domain}`).join()
        }),
    }
  }

  test('of two SenderDomains with one domain the older one has it, and when that is deleted the younger one takes its place', async () => {
    const { namespace, declare, remove, says, sendsAs } = await stage()
    const domain = `${namespace}.example`
    await declare.domain('elder', { domain })
    // Ages are told in seconds; of the same second, the name decides.
    await declare.domain('younger', { domain })
    await declare.credential('web', { senderDomainRefs: [{ name: 'elder' }] })
    await declare.credential('late', { senderDomainRefs: [{ name: 'younger' }] })
    await sendsAs('web', `elder ${domain}`)
    expect(await says('senderdomains', 'younger', 'Accepted False Conflicted')).toContain(
      `SenderDomain ${namespace}/elder`,
    )
    expect(await says('relaycredentials', 'late', 'Accepted False DomainConflicted')).toContain(
      `SenderDomain ${namespace}/younger lost its domain to SenderDomain ${namespace}/elder`,
    )
    await remove('elder')
    await sendsAs('late', `younger ${domain}`)
    await sendsAs('web')
    await says('senderdomains', 'younger', 'Accepted True Accepted')
    await says('relaycredentials', 'late', 'ResolvedRefs True ResolvedRefs')
    expect(await says('relaycredentials', 'web', 'Accepted False DomainNotFound')).toContain(
      `there is no SenderDomain ${namespace}/elder; correct the reference`,
    )
  })

  test('when a SenderDomain is replaced by one of another name, credentials that name the old one are told, and go on by the new name', async () => {
    const { namespace, declare, remove, refer, says, sendsAs } = await stage()
    const domain = `${namespace}.example`
    await declare.domain('before', { domain })
    await declare.credential('web', { senderDomainRefs: [{ name: 'before' }] })
    await sendsAs('web', `before ${domain}`)
    await remove('before')
    await declare.domain('after', { domain })
    await sendsAs('web')
    expect(await says('relaycredentials', 'web', 'Accepted False DomainNotFound')).toContain('correct the reference')
    await refer('web', 'after')
    await sendsAs('web', `after ${domain}`)
    await says('relaycredentials', 'web', 'Accepted True Accepted')
  })

  test('when a SenderDomain is made anew with another domain, relays lose the domain that they had by its name', async () => {
    const { namespace, declare, remove, says, sendsAs } = await stage()
    await declare.domain('example', { domain: `${namespace}.example` })
    await declare.credential('web', {})
    await sendsAs('web', `example ${namespace}.example`)
    await remove('example')
    await declare.domain('example', { domain: `other-${namespace}.example` })
    await sendsAs('web', `example other-${namespace}.example`)
    await says('senderdomains', 'example', 'Accepted True Accepted')
  })
})
