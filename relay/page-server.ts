/**
 * Pages over HTTP for the few that watch a process; clients that ask without end, or connect and ask nothing, are in nobody's
 * way.
 */
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { listen } from './listen.ts'

/** The words of each status that a page may have; Node's own list is in its HTTP client, which is 3 MB of a relay at rest. */
const words = {
  200: 'OK',
  400: 'Bad Request',
  404: 'Not Found',
  500: 'Internal Server Error',
  503: 'Service Unavailable',
} as const
type Code = keyof typeof words

export type Page = { readonly code: Code; readonly type: string; readonly body: Buffer }

/** What makes each page, by its path. */
export type Makers = ReadonlyMap<string, () => Page | Promise<Page>>

export const page = (code: Code, type: string, text: string): Page => ({ code, type, body: Buffer.from(text) })
const plain = (code: Code, text: string): Page => page(code, 'text/plain', text)

/** What a probe gets: 200 where nothing is wrong, else 503 and one line for each problem. */
export const verdict = (wrongs: readonly string[]): Page =>
  wrongs.length === 0 ? plain(200, 'ok\n') : plain(503, `${wrongs.join('\n')}\n`)

/** The metrics of a process in the text format of Prometheus, with its media type. */
export type Exposition = { readonly type: string; readonly text: string }

export const exposition = ({ type, text }: Exposition): Page => page(200, type, text)

export type Serving = {
  /** The port in use. */
  readonly port: number
  /** Stops listening and closes every connection. */
  close(): void
}

/** Enough for probes, a Prometheus, an operator and a few people. So many may have asked, and so many more may be about to ask. */
const mostConnections = 32
/** The longest time for a question to come, and for an answer to wait for its reader. */
const patienceMs = 10_000
const questionBytes = 16 * 1024

/**
 * Listens at `host:port` (port 0: any free one). A connection has one question and one answer, and ends; what comes behind the
 * question is not looked at. Node's own HTTP server would make a request of each of the 1,700 that fit into the 64 KiB that it
 * reads at once, before anybody can stop it.
 * @throws Error where the address can not be bound.
 */
export async function servePages(
  at: { readonly host: string; readonly port: number },
  makers: Makers,
): Promise<Serving> {
  const silent = new Crowd()
  const asking = new Crowd()
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => {}).setTimeout(patienceMs, () => socket.destroy())
    const { remoteAddress = '' } = socket
    silent.enter(socket, remoteAddress)
    whenAsked(socket, (text) => {
      silent.leave(socket)
      asking.enter(socket, remoteAddress)
      const question = questionIn(text)
      void answer(question, makers).then((told) => tell(socket, told, question.method === 'HEAD'))
    })
  })
  await listen(server, at)
  // After the bind, an error is a connection that could not be accepted, e.g. for want of file descriptors.
  server.on('error', () => {})
  const close = (): void => {
    server.close()
    silent.destroy()
    asking.destroy()
  }
  return { port: (server.address() as AddressInfo).port, close }
}

/** Calls `asked` with the head of the first request, in Latin-1, and reads nothing more of the socket. */
function whenAsked(socket: Socket, asked: (question: string) => void): void {
  const leave = (): void => void socket.destroy()
  const deadline = setTimeout(leave, patienceMs)
  socket.once('close', () => clearTimeout(deadline)).once('end', leave)
  let question = ''
  const take = (chunk: Buffer): void => {
    const seam = question.slice(-3)
    const text = chunk.toString('latin1', 0, questionBytes)
    question += text
    if (/\n\r?\n/.test(seam + text)) {
      clearTimeout(deadline)
      // A client that has asked may close its side, and still waits for the answer.
      socket.off('data', take).off('end', leave).pause()
      asked(question)
    } else if (question.length >= questionBytes) socket.destroy()
  }
  socket.on('data', take)
}

/** `target` is undefined where the request line can not be read. */
type Question = { readonly method: string | undefined; readonly target: string | undefined }

/** Without the URL parser, which throws at a target that is no URL (`//`); nothing here may end the process. */
function questionIn(text: string): Question {
  const [, method, target] = /^([A-Z]+) (?:((?:\/|\*|https?:)\S*) HTTP\/1\.\d\r?\n)?/.exec(text) ?? []
  return { method, target }
}

/** The path in a target; a server has to take the absolute form as well, whatever host it names (RFC 9112 section 3.2.2). */
const pathOf = (target: string): string => target.replace(/^https?:\/\/[^/?]+|\?.*/g, '')

async function answer({ method, target }: Question, makers: Makers): Promise<Page> {
  if (target === undefined) return plain(400, 'bad request\n')
  try {
    const make = method === 'GET' || method === 'HEAD' ? makers.get(pathOf(target)) : undefined
    return (await make?.()) ?? plain(404, 'not found\n')
  } catch (error) {
    return plain(500, `${(error as Error).message}\n`)
  }
}

/**
 * Writes the response and ends the connection. `headOnly`: the head that GET would get, without the page (RFC 9110 section
 * 9.3.2).
 */
function tell(socket: Socket, { code, type, body }: Page, headOnly: boolean): void {
  const head = [
    `HTTP/1.1 ${code} ${words[code]}`,
    `date: ${new Date().toUTCString()}`,
    `content-type: ${type}`,
    `content-length: ${body.length}`,
    'connection: close',
  ]
  socket.cork()
  socket.write(`${head.join('\r\n')}\r\n\r\n`)
  if (!headOnly) socket.write(body)
  socket.destroySoon()
}

/**
 * A bounded set of connections. Where there is one too many, an older one gives way: the oldest of the address that has most. If
 * new ones were refused instead, a few clients could hide that the relay lives. Connections that have asked and those that have
 * not are separate crowds, since a page takes a moment to make.
 */
class Crowd {
  readonly #addresses = new Map<Socket, string>()

  enter(socket: Socket, address: string): void {
    if (this.#addresses.size >= mostConnections) this.#makeRoom()
    this.#addresses.set(socket, address)
    socket.once('close', () => this.leave(socket))
  }

  leave(socket: Socket): void {
    this.#addresses.delete(socket)
  }

  destroy(): void {
    for (const socket of this.#addresses.keys()) socket.destroy()
  }

  #makeRoom(): void {
    const byAddress = Map.groupBy(this.#addresses.keys(), (socket) => this.#addresses.get(socket))
    const [most] = [...byAddress.values()].toSorted((a, b) => b.length - a.length)
    const oldest = most?.[0]
    if (oldest === undefined) return
    this.leave(oldest)
    oldest.destroy()
  }
}
