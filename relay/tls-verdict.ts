/** Keeps OpenSSL's verdict on a peer's certificate from ending the connection, where the verdict is to be asked for afterwards. */
import type { TLSSocket } from 'node:tls'

type Handle = { onerror: (error: Error) => void }

/**
 * In the message of every failure of the handshake itself. Should one be without it, the handshake's deadline ends the
 * connection.
 */
const ofTls = 'SSL routines'

/**
 * A bad signature in the peer's chain is to OpenSSL a verdict, but it also stays behind in its queue of errors. The handshake
 * goes on, and Node would take that error for the end of the connection: from here on it does not, until the returned function is
 * called, which is to be when the session is there.
 */
export function verdictAside(socket: TLSSocket): () => void {
  const { _handle: handle } = socket as unknown as { readonly _handle: Handle }
  const { onerror } = handle
  handle.onerror = (error) => {
    if (error.message.includes(ofTls)) onerror.call(handle, error)
  }
  return () => {
    handle.onerror = onerror
  }
}
