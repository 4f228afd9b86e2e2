/** The packed image runs on a real node, in a pod that may do nothing but run. */
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeAll, describe, expect, inject, test } from 'vitest'
import { until } from '../../local/until.ts'
import { type Api, accepted, apiOf } from '../api.ts'
import { givenCluster, theCluster } from '../cluster.ts'
import { newNamespace } from '../namespace.ts'
import { load } from './node-image.ts'

/** The security context that Pod Security calls restricted, and a root file system that can not be written. */
const restricted = {
  runAsNonRoot: true,
  readOnlyRootFilesystem: true,
  allowPrivilegeEscalation: false,
  capabilities: { drop: ['ALL'] },
  seccompProfile: { type: 'RuntimeDefault' },
}

const podOf = (image: string, args: readonly string[]) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'once' },
  spec: {
    restartPolicy: 'Never',
    automountServiceAccountToken: false,
    containers: [{ name: 'node', image, imagePullPolicy: 'Never', args, securityContext: restricted }],
  },
})

/** A program that finds out what its process may do, and prints it as JSON. */
const probe = `
import { lookup } from 'node:dns/promises'
import { readFileSync, writeFileSync } from 'node:fs'
const writable = (file) => { try { writeFileSync(file, ''); return true } catch { return false } }
const status = readFileSync('/proc/self/status', 'utf8')
console.log(JSON.stringify({
  version: process.version,
  uid: process.getuid(),
  gid: process.getgid(),
  writesRoot: ['/probe', '/app/relay.js', '/tmp/probe'].some(writable),
  capabilities: /CapEff:\\s*(\\S+)/.exec(status)[1],
  seccomp: /Seccomp:\\s*(\\S+)/.exec(status)[1],
  localhost: (await lookup('localhost', { family: 4 })).address,
  home: process.env.HOME,
}))
`

type Status = {
  readonly phase?: string
  readonly containerStatuses?: readonly { state: { waiting?: { reason: string } } }[]
}

/** The log of a pod that ran to its end. */
async function run(api: Api, namespace: string, pod: unknown): Promise<string> {
  const pods = `/api/v1/namespaces/${namespace}/pods`
  accepted(await api.create(pods, pod))
  const phase = await until(
    'the pod ends',
    async () => {
      const status = accepted(await api.get(`${pods}/once`))['status'] as Status
      const waits = status.containerStatuses?.[0]?.state.waiting?.reason ?? ''
      if (/^(Err|Create|Invalid)/.test(waits)) throw new Error(JSON.stringify(status))
      return /Succeeded|Failed/.exec(status.phase ?? '')?.[0]
    },
    90_000,
  )
  const log = String((await api.get(`${pods}/once/log`)).body)
  expect(phase, log).toBe('Succeeded')
  return log
}

describe.runIf(givenCluster() !== undefined)('the image', () => {
  let image = ''

  beforeAll(() => {
    const folder = mkdtempSync(join(tmpdir(), 'relayfleet-image-'))
    try {
      cpSync(inject('image').dist, folder, { recursive: true })
      writeFileSync(join(folder, 'probe.js'), probe)
      image = load(theCluster(), folder, 'probe').name
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  })

  test('runs Node under the restricted Pod Security standard', async () => {
    const cluster = theCluster()
    const api = apiOf(cluster.access)
    const namespace = await newNamespace(cluster, api)
    const enforce = { metadata: { labels: { 'pod-security.kubernetes.io/enforce': 'restricted' } } }
    accepted(await api.patch(`/api/v1/namespaces/${namespace}`, enforce))
    expect((await run(api, namespace, podOf(image, ['--version']))).trim()).toBe(process.version)
  })

  test('runs the command line', async () => {
    const cluster = theCluster()
    const api = apiOf(cluster.access)
    const log = await run(api, await newNamespace(cluster, api), podOf(image, ['/app/relayfleet.js', '--help']))
    expect(log).toContain('Usage: relayfleet')
  })

  test('runs as a user without rights, who can write nowhere', async () => {
    const cluster = theCluster()
    const api = apiOf(cluster.access)
    const log = await run(api, await newNamespace(cluster, api), podOf(image, ['/app/probe.js']))
    expect(JSON.parse(log)).toMatchObject({
      version: process.version,
      uid: 65532,
      gid: 65532,
      writesRoot: false,
      capabilities: '0000000000000000',
      seccomp: '2',
      localhost: '127.0.0.1',
      home: '/home/nonroot',
    })
  })
})
