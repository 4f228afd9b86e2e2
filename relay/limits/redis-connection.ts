/** One connection to a Redis or Valkey, and the only user of its client: it ends at the first thing that goes wrong. */
import { isIP } from 'node:net'
import { createClient, SocketClosedUnexpectedlyError } from '@redis/client'
// Its TLS is Node's own, which this import makes safe against hostile server certificates.
import '../peer-certificate.ts'
import { noAnswer } from './quota-script.ts'

/** Where the store is, and our login there; nothing of this is ever logged. */
export type StoreTarget = {
  readonly host: string
  readonly port: number
  readonly database: number
  /** Absent: without TLS. `ca`: absent, the authorities of the system are trusted. */
  readonly tls?: { readonly ca?: string }
  readonly auth?: { readonly username: string; readonly password: string }
}

export type Connection = {
  /** @throws Error, in a few words of our own, where the store refuses the command or the connection is over. */
  send(words: readonly string[]): Promise<unknown>
  end(): void
}

/**
 * Resolves when the store has accepted our login. `over` is called once when the connection ends, with the reason in words of our
 * own.
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
    // The client is not to connect again or to queue commands by itself: quota-store.ts decides who waits, and for how long.
    socket: {
      host,
      port,
      reconnectStrategy: false,
      connectTimeout: withinMs,
      noDelay: true,
      ...(tls !== undefined && {
        tls: true,
        minVersion: 'TLSv1.2',
        ...(tls.ca !== undefined && { ca: tls.ca }),
        // Neither Node nor the client names the server by itself, and one address may lead to many stores.
        ...(isIP(host) === 0 && { servername: host }),
      }),
    },
    database,
    ...auth,
    disableOfflineQueue: true,
    disableClientInfo: true,
  })
  /** The first reason counts; errors after it only come of our own giving up. */
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

/** Errors whose kind alone (`ERR`) would say nothing. */
const errors: readonly (readonly [RegExp, string])[] = [
  [/^ERR The user executing the script can't /, 'it says NOPERM'],
  [/^ERR DB index is out of range/, 'it has no database of that number'],
  [/^ERR max number of clients reached/, 'it takes no further client'],
]

/**
 * Why the connection failed: of an error of the system its code, of one that the store says only its kind, since its text may
 * quote a command, and with it a password.
 */
function whyOf(error: unknown): string {
  if (error instanceof SocketClosedUnexpectedlyError) return closed
  const { code, message } = (error ?? {}) as { readonly code?: unknown; readonly message?: unknown }
  if (typeof code === 'string' && /^[A-Z][A-Z0-9_]*$/.test(code)) return code
  const told = errors.find(([text]) => text.test(String(message)))
  if (told !== undefined) return told[1]
  const [kind] = /^[A-Z]{2,16}(?= |$)/.exec(String(message)) ?? []
  return kind === undefined ? noAnswer : `it says ${kind}`
}
