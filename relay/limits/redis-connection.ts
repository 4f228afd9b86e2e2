/** One connection to a Redis or Valkey, and the only user of its client: it ends at the first thing that goes wrong with it. */
import { createClient, SocketClosedUnexpectedlyError } from '@redis/client'
// Its TLS is Node's own.
import '../peer-certificate.ts'

/** Where the store is, and how to prove who we are; nothing here is ever said in a log. */
export type StoreTarget = {
  readonly host: string
  readonly port: number
  readonly database: number
  /** Absent: without TLS. `ca`: absent, the authorities of the system are trusted. */
  readonly tls?: { readonly ca?: string }
  readonly auth?: { readonly username: string; readonly password: string }
}

export type Connection = {
  /** @throws Error, in a few words of our own, where the store refuses the command, or the connection is over. */
  send(words: readonly string[]): Promise<unknown>
  end(): void
}

/**
 * Resolves when the store has taken our login. `over` is called once, with why in a few words of our own.
 * @throws Error with such words when it can not be reached within `withinMs`.
 */
export async function connectRedis(
  target: StoreTarget,
  withinMs: number,
  over: (why: string) => void,
): Promise<Connection> {
  const { host, port, database, tls, auth } = target
  const client = createClient({
    RESP: 2,
    // Who waits, and for how long, is decided elsewhere.
    socket: {
      host,
      port,
      reconnectStrategy: false,
      connectTimeout: withinMs,
      noDelay: true,
      ...(tls !== undefined && { tls: true, minVersion: 'TLSv1.2', ...(tls.ca !== undefined && { ca: tls.ca }) }),
    },
    database,
    ...auth,
    disableOfflineQueue: true,
    disableClientInfo: true,
  })
  /** The first reason counts: what comes after it is of our own giving up. */
  let ended: string | undefined
  const end = (why: string): void => {
    if (ended !== undefined) return
    ended = why
    if (client.isOpen) client.destroy()
    over(why)
  }
  client.on('error', (error: unknown) => end(whyOf(error)))
  client.on('end', () => end(closed))
  const late = setTimeout(() => end(`no connection within ${withinMs} ms`), withinMs)
  try {
    await client.connect()
  } catch (error) {
    end(whyOf(error))
    throw new Error(ended)
  } finally {
    clearTimeout(late)
  }
  if (ended !== undefined) throw new Error(ended)
  return {
    send: (words) =>
      client.sendCommand([...words]).catch((error: unknown) => {
        throw new Error(whyOf(error))
      }),
    end: () => end('it was given up'),
  }
}

const closed = 'it closed the connection'

/** Those whose kind alone, ERR, says nothing. */
const errors: readonly (readonly [RegExp, string])[] = [
  [/^ERR The user executing the script can't /, 'it says NOPERM'],
  [/^ERR DB index is out of range/, 'it has no database of that number'],
  [/^ERR max number of clients reached/, 'it takes no further client'],
]

/**
 * Of what a store says only the kind of its error: a whole one may quote a command, and with it a password. Of an error of
 * the system its code.
 */
function whyOf(error: unknown): string {
  if (error instanceof SocketClosedUnexpectedlyError) return closed
  const { code, message } = (error ?? {}) as { readonly code?: unknown; readonly message?: unknown }
  if (typeof code === 'string' && /^[A-Z][A-Z0-9_]*$/.test(code)) return code
  const told = errors.find(([text]) => text.test(String(message)))
  if (told !== undefined) return told[1]
  const [kind] = /^[A-Z]{2,16}(?= |$)/.exec(String(message)) ?? []
  return kind === undefined ? 'what it says is no answer' : `it says ${kind}`
}
