/** What a person at kubectl sees of the three kinds: names, columns, scale, explanations, and a status of its own. */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { beforeAll, describe, expect, test } from 'vitest'
import { apiVersion, kinds } from '../../crds/kinds.ts'
import type { Kind } from '../../crds/schema.ts'
import { statusProblems } from '../../crds/validate.ts'
import { credentialSpec, domainSpec, policySpec } from '../crds/samples.ts'
import { type Api, accepted, apiOf } from './api.ts'
import { givenCluster, theCluster } from './cluster.ts'
import { installCrds, objectsPath } from './install-crds.ts'
import { newNamespace } from './namespace.ts'

const everyKind: readonly Kind[] = kinds
const kindOf = (name: string): Kind => everyKind.find(({ kind }) => kind === name) as Kind

const condition = (type: string, status: string, reason: string) => ({
  type,
  status,
  reason,
  message: 'said by a test',
  observedGeneration: 1,
  lastTransitionTime: '2027-01-31T00:00:00Z',
})
const ready = condition('Ready', 'False', 'SecretNotFound')

/** One object of each kind: with the status an operator may write, and the row that it makes. */
const shown: readonly {
  kind: string
  spec: object
  status: object
  columns: readonly string[]
  row: readonly string[]
}[] = [
  {
    kind: 'RelayPolicy',
    spec: policySpec,
    status: {
      observedGeneration: 1,
      replicas: 2,
      readyReplicas: 1,
      selector: 'relayfleet.dev/policy=shown',
      pods: [
        { name: 'shown-0', ready: true, configHash: 'sha256:x', queued: 20 },
        { name: 'shown-1', ready: false },
      ],
      conditions: [condition('Programmed', 'True', 'Programmed'), ready],
    },
    columns: ['NAME', 'ENVIRONMENT', 'REPLICAS', 'AVAILABLE', 'PROGRAMMED', 'READY', 'REASON', 'AGE'],
    row: ['shown', 'Production', '2', '1', 'True', 'False', 'SecretNotFound'],
  },
  {
    kind: 'SenderDomain',
    spec: domainSpec,
    status: {
      observedGeneration: 1,
      bound: { policies: 1, credentials: 3 },
      conditions: [
        condition('SPFValid', 'True', 'SPFValid'),
        condition('DKIMValid', 'False', 'RecordMissing'),
        condition('DMARCValid', 'Unknown', 'NoAnswer'),
        ready,
      ],
    },
    columns: ['NAME', 'DOMAIN', 'ENVIRONMENT', 'CREDENTIALS', 'SPF', 'DKIM', 'DMARC', 'READY', 'REASON', 'AGE'],
    row: ['shown', 'mail.example.org', 'Production', '3', 'True', 'False', 'Unknown', 'False', 'SecretNotFound'],
  },
  {
    kind: 'RelayCredential',
    spec: credentialSpec,
    status: { observedGeneration: 1, binding: { name: 'smtp' }, username: 'web', conditions: [ready] },
    columns: ['NAME', 'POLICY', 'SECRET', 'READY', 'REASON', 'AGE'],
    row: ['shown', 'shared', 'smtp', 'False', 'SecretNotFound'],
  },
]

const words = (line: string): readonly string[] => line.trim().split(/\s+/)

describe.runIf(givenCluster() !== undefined)('kubectl', () => {
  let api: Api
  let namespace = ''
  const at = (kind: Kind): string => `${objectsPath(kind, namespace)}/shown`
  const kubectl = async (...args: readonly string[]): Promise<string> => {
    const { kubectl: program, kubeconfig } = theCluster()
    const { stdout } = await promisify(execFile)(program, ['--kubeconfig', kubeconfig, '-n', namespace, ...args])
    return stdout
  }

  beforeAll(async () => {
    api = apiOf(theCluster().access)
    await installCrds(api)
    namespace = await newNamespace(theCluster(), api)
    for (const { kind, spec, status } of shown) {
      const object = { apiVersion, kind, metadata: { name: 'shown' }, spec }
      accepted(await api.create(objectsPath(kindOf(kind), namespace), object))
      accepted(await api.patch(`${at(kindOf(kind))}/status`, { status }))
    }
  })

  test.each(shown.map((s) => [kindOf(s.kind).shortName, s] as const))('get %s prints its columns', async (short, {
    columns,
    row,
  }) => {
    const [head = '', line = ''] = (await kubectl('get', short)).split('\n')
    expect(words(head)).toEqual(columns)
    expect(words(line).slice(0, row.length)).toEqual(row)
    expect(words(line)).toHaveLength(columns.length)
  })

  test.each(
    shown.map((s) => [s.kind, s] as const),
  )('a new %s is not in order for tools that wait for it, until it was looked at', async (name, { spec }) => {
    const fresh = { apiVersion, kind: name, metadata: { name: 'fresh', namespace }, spec }
    const { metadata, status } = accepted(await api.create(`${objectsPath(kindOf(name), namespace)}?dryRun=All`, fresh))
    // What helm and Flux go by (kstatus): without a status an object is taken to need none, and to be in order.
    expect({ generation: metadata['generation'], status }).toMatchObject({
      generation: 1,
      status: { observedGeneration: 0 },
    })
  })

  test('get relayfleet shows all of them', async () => {
    const objects = (await kubectl('get', 'relayfleet', '-o', 'name')).trim().split('\n')
    expect(objects.toSorted()).toEqual(everyKind.map(({ singular }) => `${singular}.relayfleet.dev/shown`).toSorted())
  })

  test('scale changes the replicas of a policy, and shows what its status says', async () => {
    await kubectl('scale', 'rpol/shown', '--replicas=5')
    expect(accepted(await api.get(`${at(kindOf('RelayPolicy'))}/scale`))).toMatchObject({
      spec: { replicas: 5 },
      status: { replicas: 2, selector: 'relayfleet.dev/policy=shown' },
    })
    expect(accepted(await api.get(at(kindOf('RelayPolicy'))))['spec']).toMatchObject({ replicas: 5 })
  })

  test.each(
    everyKind.map((kind) => [kind.plural, kind] as const),
  )('explain %s tells its fields', async (plural, kind) => {
    const told = await kubectl('explain', `${plural}.spec`)
    for (const field of Object.keys(kind.spec.properties)) expect(told).toContain(`  ${field}\t`)
    expect(await kubectl('explain', plural)).toContain(kind.description.slice(0, 40))
  })

  test.each(shown.map((s) => [s.kind, s] as const))('%s: status and spec are written apart', async (name, {
    status,
  }) => {
    const kind = kindOf(name)
    const before = accepted(await api.get(at(kind)))
    expect(before['status']).toEqual(status)
    const bySpec = accepted(await api.patch(at(kind), { status: { conditions: [] } }))
    expect(bySpec['status']).toEqual(status)
    const byStatus = accepted(await api.patch(`${at(kind)}/status`, { spec: { suspended: true } }))
    expect(byStatus['spec']).toEqual(before['spec'])
  })

  test.each(
    shown.map((s) => [s.kind, s] as const),
  )('%s: a status is checked by the API server as by our own rules', async (name, { status }) => {
    const kind = kindOf(name)
    expect(statusProblems(kind, status)).toEqual([])
    const wrong = { ...status, conditions: [{ ...ready, status: 'Perhaps' }] }
    expect(statusProblems(kind, wrong)).toMatchObject([{ field: 'conditions[0].status' }])
    const answer = await api.patch(`${at(kind)}/status`, { status: wrong })
    expect(answer).toMatchObject({
      status: 422,
      body: {
        details: {
          causes: expect.arrayContaining([expect.objectContaining({ field: 'status.conditions[0].status' })]),
        },
      },
    })
  })
})
