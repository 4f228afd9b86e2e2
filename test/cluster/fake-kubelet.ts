/** A node without containers: its kubelet forwards every port to one port of this machine, and shows one log for all. */
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type Server } from 'node:https'
import { type AddressInfo, connect } from 'node:net'
import { makeCertificates } from '../certificates.ts'
import { type Api, accepted } from './api.ts'
import { acceptWebSocket } from './websocket.ts'

export type FakeKubelet = {
  readonly node: string
  close(): Promise<void>
}

type Behind = {
  /** The port of this machine that connections to any port of any pod reach. */
  readonly port: number
  /** The log of every container, as it is now. */
  readonly log: () => string
}

/** Registers a node of the cluster, whose kubelet is on this machine's loopback address. */
export async function fakeKubelet(api: Api, behind: Behind): Promise<FakeKubelet> {
  const { cert, key } = await makeCertificates(['127.0.0.1'])
  const server = createServer({ cert, key }, (_, answer) => {
    answer.writeHead(200, { 'content-type': 'text/plain' })
    follow(behind.log, (text) => answer.write(text), answer)
  })
  forwardPorts(server, behind.port)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const node = `node-${randomUUID().slice(0, 8)}`
  accepted(await api.create('/api/v1/nodes', { metadata: { name: node } }))
  const status = {
    addresses: [{ type: 'InternalIP', address: '127.0.0.1' }],
    daemonEndpoints: { kubeletEndpoint: { Port: port } },
  }
  accepted(await api.patch(`/api/v1/nodes/${node}/status`, { status }))
  return {
    node,
    async close() {
      await api.remove(`/api/v1/nodes/${node}`)
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/** Writes what is in the log, and then what is added to it, until the reader leaves. */
function follow(log: () => string, write: (text: string) => void, reader: { once(e: 'close', f: () => void): void }) {
  let told = 0
  const tell = (): void => {
    const text = log()
    if (text.length > told) write(text.slice(told))
    told = text.length
  }
  tell()
  const telling = setInterval(tell, 20)
  reader.once('close', () => clearInterval(telling))
}

/** Forwards by `v4.channel.k8s.io`: channel 0 is data and channel 1 errors, and the first message of each has the port. */
function forwardPorts(server: Server, port: number): void {
  server.on('upgrade', (request, socket) => {
    const asked = Number(new URL(request.url ?? '', 'https://kubelet').searchParams.get('port') ?? 0)
    const pod = connect(port, '127.0.0.1')
    const end = acceptWebSocket(request, socket, 'v4.channel.k8s.io', {
      message: (message) => pod.write(message.subarray(1)),
      close: () => pod.destroy(),
    })
    const portSaid = Buffer.alloc(2)
    portSaid.writeUInt16LE(asked)
    for (const channel of [0, 1]) end.send(Buffer.concat([Buffer.of(channel), portSaid]))
    pod.on('data', (octets: Buffer) => end.send(Buffer.concat([Buffer.of(0), octets])))
    pod.on('error', ({ message }) => end.send(Buffer.concat([Buffer.of(1), Buffer.from(message)])))
    pod.on('close', () => end.close())
  })
}
