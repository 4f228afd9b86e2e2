/** Where the API server is and how to log in there; the only user of client-node. */
import type { Agent, RequestOptions } from 'node:https'
import type { Duplex } from 'node:stream'
import { Attach, KubeConfig } from '@kubernetes/client-node'
import { didYouMean } from '../../../crds/did-you-mean.ts'
// All TLS with the API server is Node's own.
import '../../../relay/peer-certificate.ts'

/** What one request needs to be let in. Tokens and certificates are rotated, so it is asked for before each request. */
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

export type PodPort = { readonly namespace: string; readonly name: string; readonly port: number }

/** A connection that somebody chose, as kubectl knows it: by files, contexts and a namespace that need not be said. */
export type ChosenConnection = Connection & {
  /** Of the context; `default` where it names none. */
  readonly namespace: string
  /** Joins a stream with a port of a pod, through the API server; resolves when the way is open. */
  join(pod: PodPort, stream: Duplex): Promise<void>
}

/**
 * As kubectl would: `$KUBECONFIG`, `~/.kube/config`, else the service account of this pod.
 * @throws Error when there is no cluster to talk to.
 */
export function connectionByDefault(context?: string): ChosenConnection {
  const config = new KubeConfig()
  read(() => config.loadFromDefault(), 'the kubeconfig')
  // Where it finds no kubeconfig, client-node takes this address.
  if (config.getCurrentCluster()?.server === 'http://localhost:8080') throw new Error(noKubeconfig)
  return connectionOf(config, context)
}

const noKubeconfig =
  'there is no cluster to talk to: no --kubeconfig, no $KUBECONFIG, no ~/.kube/config, and this is no pod; give one of them'

/** @throws Error when the file can not be read or names no cluster. */
export function connectionFromFile(kubeconfig: string, context?: string): ChosenConnection {
  const config = new KubeConfig()
  read(() => config.loadFromFile(kubeconfig), kubeconfig)
  return connectionOf(config, context)
}

function read(load: () => void, what: string): void {
  try {
    load()
  } catch (error) {
    throw new Error(`${what} can not be read: ${withoutQuotation(error as Error)}`)
  }
}

/** The YAML parser quotes the lines around its error, which may hold tokens and keys. */
const withoutQuotation = ({ message, mark }: Error & { readonly mark?: Mark }): string =>
  mark === undefined ? message : `it is not well-formed YAML at line ${mark.line + 1}`

/** Counted from 0. */
type Mark = { readonly line: number }

function connectionOf(config: KubeConfig, context: string | undefined): ChosenConnection {
  if (context !== undefined) choose(config, context)
  const cluster = config.getCurrentCluster()
  if (cluster === null)
    throw new Error('the kubeconfig names no current cluster; set its current-context, or --context')
  // The address is not shown: some people write a password into it.
  if (!/^https?:/i.test(cluster.server) || !URL.canParse(cluster.server))
    throw new Error(
      `the server of cluster ${cluster.name} in the kubeconfig is no URL; write one like https://host:6443`,
    )
  const { namespace } = config.getContextObject(config.getCurrentContext()) ?? {}
  return {
    server: new URL(cluster.server),
    namespace: namespace === undefined || namespace === '' ? 'default' : namespace,
    login: () => loginOf(config, cluster.proxyUrl !== undefined),
    join: (pod, stream) => join(config, pod, stream),
  }
}

function choose(config: KubeConfig, context: string): void {
  const known = config.getContexts().map(({ name }) => name)
  if (known.includes(context)) {
    config.setCurrentContext(context)
    return
  }
  const near = didYouMean(context, known)
  const mend = near === undefined ? `there is: ${known.join(', ') || 'none'}` : `did you mean ${near}?`
  throw new Error(`there is no context ${context} in the kubeconfig; ${mend}`)
}

/** Only client-node's WebSocket is used: its own PortForward would bring the types of all of Kubernetes along. */
async function join(config: KubeConfig, { namespace, name, port }: PodPort, stream: Duplex): Promise<void> {
  const fresh = new Set([dataChannel, errorChannel])
  const path = `/api/v1/namespaces/${namespace}/pods/${name}/portforward?ports=${port}`
  const socket = await new Attach(config).handler
    .connect(path, null, (channel, frame) => {
      // The first frame of each channel holds only the number of the port.
      const octets = fresh.delete(channel) ? frame.subarray(2) : frame
      if (channel === dataChannel) stream.write(octets)
      else if (octets.length > 0) stream.destroy(new Error(octets.toString()))
      return true
    })
    // A WebSocket rejects with an event and not with an Error.
    .catch(({ message = 'no connection' }: Partial<Error>) => {
      const mend = `you may not forward a port of pod ${namespace}/${name}: ask for the verbs get and create on pods/portforward`
      throw new Error(message.endsWith(' 403') ? mend : message)
    })
  socket.addEventListener('close', () => stream.end())
  stream.on('data', (octets: Buffer) => socket.send(Buffer.concat([Buffer.of(dataChannel), octets])))
  stream.once('close', () => socket.close())
}

const dataChannel = 0
const errorChannel = 1

async function loginOf(config: KubeConfig, throughProxy: boolean): Promise<Login> {
  const options: RequestOptions = { headers: {} }
  try {
    await config.applyToHTTPSOptions(options)
  } catch (error) {
    // The message of the parser would quote the beginning of a token, or all of a short one.
    throw error instanceof SyntaxError ? new Error('what the exec plugin of the kubeconfig says is no JSON') : error
  }
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
