/** Where the API server is and how to log in there; the only user of client-node. */
import type { Agent, RequestOptions } from 'node:https'
import { KubeConfig } from '@kubernetes/client-node'

/** What one request needs to be let in; tokens and certificates are rotated, so it is asked for anew each time. */
export type Login = {
  readonly headers: Readonly<Record<string, string>>
  readonly tls: Pick<RequestOptions, 'ca' | 'cert' | 'key' | 'servername' | 'rejectUnauthorized'>
  /** Only where a proxy stands between. */
  readonly agent?: Agent
}

export type Connection = {
  readonly server: URL
  login(): Promise<Login>
}

/**
 * As kubectl would: `$KUBECONFIG`, `~/.kube/config`, else the service account of this pod.
 * @throws Error when there is no cluster to talk to.
 */
export function connectionByDefault(): Connection {
  const config = new KubeConfig()
  config.loadFromDefault()
  return connectionOf(config)
}

/** @throws Error when the file can not be read or names no cluster. */
export function connectionFromFile(kubeconfig: string): Connection {
  const config = new KubeConfig()
  config.loadFromFile(kubeconfig)
  return connectionOf(config)
}

function connectionOf(config: KubeConfig): Connection {
  const cluster = config.getCurrentCluster()
  if (cluster === null) throw new Error('the kubeconfig names no current cluster; set its current-context')
  return { server: new URL(cluster.server), login: () => loginOf(config, cluster.proxyUrl !== undefined) }
}

async function loginOf(config: KubeConfig, throughProxy: boolean): Promise<Login> {
  const options: RequestOptions = { headers: {} }
  await config.applyToHTTPSOptions(options)
  const { ca, cert, key, servername, rejectUnauthorized, auth } = options
  const headers = Object.fromEntries(
    Object.entries(options.headers ?? {}).map(([k, v]) => [k.toLowerCase(), String(v)]),
  )
  const basic = auth === undefined || auth === null ? {} : { authorization: `Basic ${btoa(auth)}` }
  return {
    headers: { ...headers, ...basic },
    tls: {
      ...(ca !== undefined && { ca }),
      ...(cert !== undefined && { cert }),
      ...(key !== undefined && { key }),
      ...(servername !== undefined && { servername }),
      ...(rejectUnauthorized !== undefined && { rejectUnauthorized }),
    },
    ...(throughProxy && { agent: options.agent as Agent }),
  }
}
