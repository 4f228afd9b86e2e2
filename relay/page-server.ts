/** Pages over HTTP for the few who watch a process: whoever asks without an end, or asks nothing, is in nobody's way. */
import { STATUS_CODES } from 'node:http'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { listen } from './listen.ts'

export type Page = { readonly code: number; readonly type: string; readonly body: Buffer }

/** By path. */
export type Makers = ReadonlyMap<string, () => Page | Promise<Page>>

export const page = (code: number, type: string, text: string): Page => ({ code, type, body: Buffer.from(text) })
export const plain = (code: number, text: string): Page => page(code, 'text/plain', text)

export type Serving = {
  /** The port in use. */
  readonly port: number
  /** With every connection. */
  close(): void
}

/** A kubelet, a Prometheus, an operator and a few people; as many may have asked, and as many be about to. */
const mostConnections = 32
/** For a question, and for whatever an answer waits for its reader. */
const patienceMs = 10_000
const questionBytes = 16 * 1024

/**
 * Listens at `host:port` (port 0: any free one). One question, one answer, and the connection ends; what comes behind the
 * question is not looked at. Node's own server goes through all of the 64 KiB that are read at once, and makes a request of
 * each of the 1,700 that they may hold before anybody can stop it. @throws Error where the address can not be had.
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
  // From here an error is a connection that could not be taken, e.g. for want of file descriptors.
  server.on('error', () => {})
  const close = (): void => {
    server.close()
    silent.destroy()
    asking.destroy()
  }
  return { port: (server.address() as AddressInfo).port, close }
}

/** Nothing is read any more when the first question has come. */
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
      // Whoever has asked may close its side, and waits for the answer.
      socket.off('data', take).off('end', leave).pause()
      asked(question)
    } else if (question.length >= questionBytes) socket.destroy()
  }
  socket.on('data', take)
}

/** Without a `target` it is none. */
type Question = { readonly method: string | undefined; readonly target: string | undefined }

/** No URL is parsed: what is none (`//`) would throw, and take the mail down with it. */
function questionIn(text: string): Question {
  const [, method, target] = /^([A-Z]+) (?:((?:\/|\*|https?:)\S*) HTTP\/1\.\d\r?\n)?/.exec(text) ?? []
  return { method, target }
}

/** A server takes the absolute form, too, whatever host it names (RFC 9112 section 3.2.2). */
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

/** `headOnly`: what GET would be told, without the page (RFC 9110 section 9.3.2). */
function tell(socket: Socket, { code, type, body }: Page, headOnly: boolean): void {
  const head = [
    `HTTP/1.1 ${code} ${STATUS_CODES[code]}`,
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
 * Where one is too many, an older one gives way, the oldest of the address that has most: were new ones refused, a few would
 * hide that the relay lives. Who has asked is in nobody's way who has not, and the other way round: a page takes a moment.
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
