/** What the operator tells about itself: /metrics, /healthz and /readyz. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

/** What is wrong, in words; empty where nothing is. */
export type Wrongs = () => readonly string[]

export type Pages = {
  /** With these it is better started anew. */
  readonly unhealthy: Wrongs
  readonly unready: Wrongs
  readonly metrics: () => Promise<{ readonly type: string; readonly text: string }>
}

type Page = { readonly code: number; readonly type: string; readonly body: string }

const plain = (code: number, body: string): Page => ({ code, type: 'text/plain', body })
const verdict = (wrongs: readonly string[]): Page =>
  wrongs.length === 0 ? plain(200, 'ok\n') : plain(503, `${wrongs.join('\n')}\n`)

const pages: Readonly<Record<string, (from: Pages) => Page | Promise<Page>>> = {
  '/healthz': ({ unhealthy }) => verdict(unhealthy()),
  '/readyz': ({ unready }) => verdict(unready()),
  '/metrics': async ({ metrics }) => {
    const { type, text } = await metrics()
    return { code: 200, type, body: text }
  },
}

export type Serving = {
  /** The port in use. */
  readonly port: number
  close(): void
}

/** Listens at `host:port` (port 0: any free one). @throws Error where that can not be had. */
export function servePages(at: { readonly host: string; readonly port: number }, from: Pages): Promise<Serving> {
  const server = createServer((request, response) => {
    // No URL is parsed: what is none (`//`) would throw.
    const page = request.method === 'GET' ? pages[request.url?.split('?')[0] ?? '/'] : undefined
    const answer = async () => page?.(from) ?? plain(404, 'not found\n')
    void answer()
      .catch((error: Error) => plain(500, `${error.message}\n`))
      .then(({ code, type, body }) => response.writeHead(code, { 'content-type': type }).end(body))
  })
  const close = (): void => {
    server.close()
    server.closeAllConnections()
  }
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(at.port, at.host, () => {
      // From here an error is a connection that could not be taken, e.g. for want of file descriptors.
      server.on('error', () => {})
      resolve({ port: (server.address() as AddressInfo).port, close })
    })
  })
}
