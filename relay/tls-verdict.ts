/** Where whatever a peer shows is taken, what OpenSSL has against it is a verdict to be asked for, and ends no connection. */
import type { TLSSocket } from 'node:tls'

type Handle = { onerror: (error: Error) => void }

/** Stands in the failures of a handshake itself; one in which it does not has its deadline. */
const ofTls = 'SSL routines'

/**
 * A signature in a chain that is not good OpenSSL remembers as a verdict, and leaves behind as an error. The handshake goes
 * on, but Node takes what is left behind for the end of the connection: until what is given back is called, when there is a session.
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
