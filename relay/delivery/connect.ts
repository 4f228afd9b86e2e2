/** Opens the connection to a smarthost: every address of the host in turn (RFC 8305), within one deadline. */
import { connect, isIP, type Socket } from 'node:net'
import type { Lookup } from './addresses.ts'
import { type Answer, none } from './answer.ts'

export type Place = { readonly host: string; readonly port: number }
export type Dialing = Place & { readonly lookup: Lookup; readonly deadlineMs: number; readonly signal: AbortSignal }

/** The connected socket, or the answer that says why there is none. */
export function connectTo(dialing: Dialing): Promise<Socket | Answer> {
  const { host, port, lookup, deadlineMs, signal } = dialing
  return new Promise((resolve) => {
    let resolved = isIP(host) !== 0
    const socket = connect({ host, port, lookup, autoSelectFamily: true, noDelay: true, keepAlive: true })
    const finish = (result: Socket | Answer): void => {
      clearTimeout(timer)
      signal.removeEventListener('abort', onAbort)
      socket.off('lookup', onLookup).off('connect', onConnect).off('error', onError)
      socket.on('error', () => {})
      if (result !== socket) socket.destroy()
      resolve(result)
    }
    const onLookup = (error: Error | null): void => {
      resolved = error === null
    }
    const onConnect = (): void => finish(socket)
    const onError = (error: NodeJS.ErrnoException): void => finish(refused(dialing, error))
    const onAbort = (): void => finish(none('lost', 'the relay is stopping'))
    const timer = setTimeout(() => finish(tooLate(dialing, resolved, deadlineMs)), deadlineMs)
    signal.addEventListener('abort', onAbort)
    if (signal.aborted) onAbort()
    socket.on('lookup', onLookup).on('connect', onConnect).on('error', onError)
  })
}

const tooLate = (place: Place, resolved: boolean, ms: number): Answer =>
  resolved
    ? none('unreachable', `${place.host}:${place.port} did not answer within ${ms / 1000} s`)
    : none('unresolved', `${place.host} was not resolved within ${ms / 1000} s`)

const lookupErrors: ReadonlySet<string> = new Set(['ENOTFOUND', 'EAI_AGAIN', 'EAI_FAIL', 'EAI_NODATA', 'EAI_NONAME'])

function refused(place: Place, error: NodeJS.ErrnoException & { errors?: readonly NodeJS.ErrnoException[] }): Answer {
  const code = error.code ?? error.errors?.[0]?.code ?? error.message
  return lookupErrors.has(code)
    ? none('unresolved', `${place.host} was not resolved (${code})`)
    : none('unreachable', `${place.host}:${place.port} refused the connection (${code})`)
}
