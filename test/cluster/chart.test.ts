/** The chart on a real API server: it takes every object, and holds the operator's account to what is its own. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { helmInstalled, rendered, type Values } from '../chart/helm.ts'
import { type Answer, type Api, accepted, apiOf, type Refusal } from './api.ts'
import { givenCluster, theCluster } from './cluster.ts'
import { type InstalledChart, installChart } from './installed-chart.ts'

const ours = { 'app.kubernetes.io/managed-by': 'relayfleet' }
const theirs = { 'app.kubernetes.io/managed-by': 'Helm' }

describe.runIf(givenCluster() !== undefined && helmInstalled())('the chart', () => {
  let admin: Api
  let chart: InstalledChart

  beforeAll(async () => {
    admin = apiOf(theCluster().access)
    chart = await installChart(theCluster(), admin)
  })
  afterAll(() => chart.uninstall())

  const secrets = (): string => `/api/v1/namespaces/${chart.namespace}/secrets`
  const secret = (name: string, labels: Readonly<Record<string, string>>) => ({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name, namespace: chart.namespace, labels },
    stringData: { key: name },
  })
  /** As the operator's account. */
  const as = async (method: 'POST' | 'PATCH' | 'DELETE', name: string, body?: unknown, query = ''): Promise<Answer> => {
    const path = `${secrets()}${name === '' ? '' : `/${name}`}${query}`
    const type = method === 'PATCH' ? 'application/merge-patch+json' : 'application/json'
    return chart.operator.request(method, path, body, type)
  }
  const refusedByPolicy = ({ status, body }: Answer): void => {
    expect(status).toBe(403)
    expect((body as Refusal).message).toContain('ValidatingAdmissionPolicy')
  }

  test.each<[string, Values]>([
    ['as it comes', {}],
    [
      'for one namespace, with all that can be given',
      {
        watchNamespaces: ['default'],
        image: { digest: `sha256:${'a'.repeat(64)}`, pullSecrets: ['registry'] },
        serviceAccount: { name: 'other', annotations: { a: 'b' } },
        nodeSelector: { 'kubernetes.io/os': 'linux' },
        tolerations: [{ key: 'mail', operator: 'Exists', effect: 'NoSchedule' }],
        priorityClassName: 'system-cluster-critical',
      },
    ],
  ])('is taken field by field, %s', async (_name, values) => {
    for (const object of rendered(values, chart.namespace)) accepted(await chart.write(object, '&dryRun=All'))
  })

  test('the operator makes, changes and deletes its own Secret', async () => {
    accepted(await as('POST', '', secret('own', ours)))
    accepted(await as('PATCH', 'own', { stringData: { key: 'changed' } }))
    accepted(await as('DELETE', 'own'))
  })

  test('it makes no Secret without its label', async () => {
    refusedByPolicy(await as('POST', '', secret('unlabelled', {})))
    refusedByPolicy(await as('POST', '', secret('somebodys', theirs)))
  })

  test.each([
    ['unlabelled', {}],
    ['of another manager', theirs],
  ])('a foreign Secret, %s, is neither changed nor adopted nor deleted', async (name, labels) => {
    const foreign = `foreign-${name.replaceAll(' ', '-')}`
    const before = accepted(await admin.create(secrets(), secret(foreign, labels)))
    refusedByPolicy(await as('PATCH', foreign, { stringData: { key: 'changed' } }))
    refusedByPolicy(await as('PATCH', foreign, { metadata: { labels: ours } }))
    refusedByPolicy(await as('DELETE', foreign))
    expect(accepted(await admin.get(`${secrets()}/${foreign}`))['data']).toEqual(before['data'])
  })

  test('it does not give away its own', async () => {
    accepted(await as('POST', '', secret('given-away', ours)))
    refusedByPolicy(await as('PATCH', 'given-away', { metadata: { labels: theirs } }))
  })

  test('others are not held to it', async () => {
    accepted(await admin.create(secrets(), secret('by-the-admin', {})))
  })
})
