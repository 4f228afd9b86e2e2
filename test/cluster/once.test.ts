/** The objects of a cluster are read once, and what a person may not see counts as in doubt, or as there. */
import { randomUUID } from 'node:crypto'
import { beforeAll, describe, expect, test } from 'vitest'
import { openApi } from '../../operator/cluster/api/api.ts'
import type { Connection } from '../../operator/cluster/api/connection.ts'
import { snapshotOnce } from '../../operator/cluster/person/once.ts'
import { compile } from '../../operator/compile/compile.ts'
import { type Api, accepted, apiOf } from './api.ts'
import { givenCluster, theCluster } from './cluster.ts'
import { grant, type Rule } from './grant.ts'
import { installCrds } from './install-crds.ts'
import { newNamespace } from './namespace.ts'
import { writer } from './observing.ts'

const ours = { apiGroups: ['relayfleet.dev'], resources: ['*'], verbs: ['list'] }
const signal = new AbortController().signal
const verifier = `sha256:${'0a'.repeat(32)}`

describe.runIf(givenCluster() !== undefined)('the cluster, read once', () => {
  let admin: Api
  let namespace: string

  beforeAll(async () => {
    admin = apiOf(theCluster().access)
    await installCrds(admin)
    namespace = await newNamespace({ ...theCluster(), controllers: false }, admin)
    const write = writer(admin, namespace)
    const smarthosts = [
      { name: 'out', host: 'smtp.example.net', authRef: { name: 'login' }, tls: { caRef: { name: 'ca' } } },
    ]
    await write.create('RelayPolicy', 'shared', { routes: [{ name: 'default', smarthosts }] })
    await write.create('SenderDomain', 'example', { domain: `${namespace}.example.org` })
    await write.create('RelayCredential', 'web')
    await write.report('RelayCredential', 'web', { username: `web.${namespace}`, keys: [{ id: 'k1', verifier }] })
    const key = {
      selector: 's1',
      algorithm: 'ed25519',
      stage: 'Pending',
      since: '2026-01-01T00:00:00Z',
      publicKey: 'AAAA',
    }
    await write.report('SenderDomain', 'example', { dkimKeys: [key] })
    const maps = `/api/v1/namespaces/${namespace}/configmaps`
    accepted(await admin.create(maps, { metadata: { name: 'ca' }, data: { 'ca.crt': 'x' } }))
  })

  /** Makes a user who may do this in the namespace, and nothing else. */
  async function somebody(rules: readonly Rule[]): Promise<string> {
    const user = `user-${randomUUID()}`
    await grant(admin, { user, namespace }, rules)
    return user
  }

  function read(user?: string, given: { namespace?: string } = {}) {
    const { server, ca, login } = theCluster().access
    const tls = { ca, ...(login.kind === 'certificate' && { cert: login.cert, key: login.key }) }
    const headers = {
      ...(login.kind === 'token' && { authorization: `Bearer ${login.token}` }),
      ...(user !== undefined && { 'impersonate-user': user }),
    }
    const connection: Connection = { server: new URL(server), login: () => Promise.resolve({ headers, tls }) }
    return snapshotOnce(openApi(connection), given, signal)
  }

  test('has a domain want the records of the keys that its status tells of', async () => {
    const { snapshot } = await read(undefined, { namespace })
    const checks = compile(snapshot).domainChecks.get(`${namespace}/example`)
    expect(checks?.wanted).toEqual([
      {
        ...{ purpose: 'DKIM', type: 'TXT', name: `s1._domainkey.${namespace}.example.org` },
        key: { type: 'ed25519', publicKey: 'AAAA' },
      },
    ])
  })

  test('by somebody who may see everything, has all of it, and a finding on a Secret that is not there', async () => {
    const { snapshot, declared } = await read()
    expect(snapshot.unread).toEqual([])
    expect(declared.filter((d) => d.ref.includes(namespace))).toHaveLength(3)
    expect(snapshot.bindingKeys.get(`${namespace}/web`)?.keys).toEqual([{ id: 'k1', verifier }])
    expect(snapshot.namespaces.get(namespace)).toMatchObject({ 'kubernetes.io/metadata.name': namespace })
    expect(snapshot.configMaps.get(`${namespace}/ca`)).toEqual({ keys: ['ca.crt'] })
    const found = compile(snapshot).findings.get(`RelayPolicy ${namespace}/shared`)
    expect(found?.filter((f) => f.status === 'False').map((f) => f.field)).toContain(
      'spec.routes[0].smarthosts[0].authRef',
    )
  })

  test('by somebody who may see one namespace, has the rest in doubt, and counts what may not be looked at as there', async () => {
    const { snapshot } = await read(await somebody([ours]), { namespace })
    expect([snapshot.policies.length, snapshot.credentials.length]).toEqual([1, 1])
    expect(snapshot.secrets.get(`${namespace}/login`)).toEqual({})
    expect(snapshot.unread).toEqual([
      `relaypolicies outside of ${namespace}: listing them is not allowed`,
      `senderdomains outside of ${namespace}: listing them is not allowed`,
      `relaycredentials outside of ${namespace}: listing them is not allowed`,
      `labels of namespace ${namespace}: not allowed`,
    ])
  })

  test('by somebody who may see nothing, has no object, and says that listing is not allowed', async () => {
    const { snapshot, declared } = await read(await somebody([]), { namespace })
    expect(declared).toEqual([])
    expect(snapshot.unread).toEqual(
      ['relaypolicies', 'senderdomains', 'relaycredentials'].map((p) => `${p}: listing them is not allowed`),
    )
  })

  test('is an error if the cluster does not answer', async () => {
    const connection: Connection = {
      server: new URL('https://127.0.0.1:1'),
      login: () => Promise.resolve({ headers: {}, tls: {} }),
    }
    await expect(snapshotOnce(openApi(connection), {}, signal)).rejects.toThrow('127.0.0.1:1')
  })
})
