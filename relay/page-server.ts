/** Pages over HTTP for the few who watch a process: whoever asks without an end, or asks nothing, is in nobody's way. */
import { createServer, type Server } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'

export type Page = { readonly code: number; readonly type: string; readonly body: Buffer }

/** By path. */
export type Makers = ReadonlyMap<string, () => Page | Promise<Page>>

export const page = (code: number, type: string, text: string): Page => ({ code, type, body: Buffer.from(text) })
export const plain = (code: number, text: string): Page => page(code, 'text/plain', text)

/** A kubelet, a Prometheus, an operator and a few people. */
const mostConnections = 32
/** For a question, and for whatever an answer waits for its reader. */
const patienceMs = 10_000

/** Listens at `host:port` (port 0: any free one) and resolves with the address in use. */
export function servePages(
  at: { readonly host: string; readonly port: number },
  makers: Makers,
): Promise<{ server: Server; port: number }> {
  const timing = { headersTimeout: patienceMs, requestTimeout: patienceMs, connectionsCheckingInterval: 1000 }
  const server = createServer(timing, (request, response) => {
    // No URL is parsed: what is none (`//`) would throw, and take the mail down with it.
    const make = request.method === 'GET' ? makers.get(request.url?.split('?')[0] ?? '/') : undefined
    const answer = async () => make?.() ?? plain(404, 'not found\n')
    void answer()
      .catch((error: Error) => plain(500, `${error.message}\n`))
      .then(({ code, type, body }) => response.writeHead(code, { 'content-type': type, connection: 'close' }).end(body))
  })
  server.setTimeout(patienceMs)
  // One question, one answer, and the connection ends: who asks more before it is answered is not served at all.
  server.maxRequestsPerSocket = 1
  server.on('dropRequest', (_request, socket) => socket.destroy())
  server.on('connection', makeRoom(mostConnections))
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(at.port, at.host, () => {
      // From here an error is a connection that could not be taken, e.g. for want of file descriptors.
      server.on('error', () => {})
      resolve({ server, port: (server.address() as AddressInfo).port })
    })
  })
}

/** The oldest connection gives way: were new ones refused, a few that ask nothing would hide that the relay lives. */
function makeRoom(most: number): (socket: Socket) => void {
  const open = new Set<Socket>()
  return (socket) => {
    open.add(socket)
    socket.once('close', () => open.delete(socket))
    if (open.size <= most) return
    const [oldest] = open
    if (oldest !== undefined) open.delete(oldest)
    oldest?.destroy()
  }
}
