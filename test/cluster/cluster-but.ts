/** The run's cluster as its administrator sees it, through a proxy that changes what a rule says. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { temporaryFolder } from '../local/temporary.ts'
import { onTestFinished } from '../own-test.ts'
import { type Access, kubeconfig } from './access.ts'
import { theCluster } from './cluster.ts'
import { type Fault, type FaultProxy, faultProxy, type Seen } from './fault-proxy.ts'

export function kubeconfigOf(access: Access): string {
  const file = join(temporaryFolder(), 'kubeconfig')
  writeFileSync(file, kubeconfig(access), { mode: 0o600 })
  return file
}

export async function clusterBut(
  rule: (request: Seen) => Fault,
): Promise<{ readonly kubeconfig: string; readonly proxy: FaultProxy }> {
  const proxy = await faultProxy(theCluster().access)
  onTestFinished(() => proxy.close())
  proxy.rule = rule
  const { ca } = (await proxy.connection.login()).tls
  const login = { kind: 'token', token: 'none' } as const
  return { kubeconfig: kubeconfigOf({ server: proxy.connection.server.href, ca: String(ca), login }), proxy }
}

const leasesPath = '/apis/coordination.k8s.io/v1/leases'

/** A rule that shows these Leases and no others, since other suites leave theirs in the cluster. */
export const leases =
  (...items: readonly object[]) =>
  ({ path }: Pick<Seen, 'path'>): Fault =>
    path === leasesPath ? { code: 200, body: { metadata: { resourceVersion: '1' }, items } } : 'pass'
