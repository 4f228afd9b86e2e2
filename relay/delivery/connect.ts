/** Opens the connection to a smarthost: whichever of its addresses connects first (RFC 8305), within one deadline. */
import type { LookupAddress } from 'node:dns'
import { isIP, Socket } from 'node:net'
import { Alarm } from '../alarm.ts'
import type { Lookup } from './addresses.ts'
import { type Answer, none } from './answer.ts'
import { isLinkLocal } from './public-address.ts'
import { isOurs, Race } from './race.ts'

type Place = { readonly host: string; readonly port: number }
export type Dialing = Place & { readonly lookup: Lookup; readonly deadlineMs: number; readonly signal: AbortSignal }

/** Milliseconds (RFC 8305 section 5); fewer where there are so many addresses that the deadline would come before the last one. */
const apartMs = 250

/** The connected socket, or the answer that says why there is none. */
export function connectTo(dialing: Dialing): Promise<Socket | Answer> {
  const { host, port, lookup, deadlineMs, signal } = dialing
  return new Promise((resolve) => {
    let race: Race | undefined
    let over = false
    const finish = (result: Socket | Answer): void => {
      over = true
      deadline.end()
      signal.removeEventListener('abort', onAbort)
      race?.stop()
      resolve(result)
    }
    const begin = (addresses: readonly LookupAddress[]): void => {
      const apart = Math.min(apartMs, deadlineMs / (addresses.length + 1))
      race = new Race(addresses, port, apart, (result) =>
        finish(result instanceof Socket ? result : refused(dialing, result)),
      )
    }
    const onAbort = (): void => finish(none('lost', 'we closed the connection'))
    const deadline = new Alarm(() => finish(tooLate(dialing, race !== undefined, deadlineMs)))
    deadline.set(deadlineMs)
    signal.addEventListener('abort', onAbort)
    if (signal.aborted) return onAbort()
    if (isIP(host) !== 0) return begin([{ address: host, family: isIP(host) }])
    lookup(host, (error, addresses) => {
      if (over) return
      if (error !== null || addresses.length === 0) return finish(unresolved(dialing, error?.code ?? 'ENOTFOUND'))
      const others = addresses.filter(({ address }) => !isLinkLocal(address))
      if (others.length === 0) finish(onTheLink(dialing, addresses))
      else begin(others)
    })
  })
}

const tooLate = (place: Place, resolved: boolean, ms: number): Answer =>
  resolved
    ? none('unreachable', `${place.host}:${place.port} did not answer within ${ms / 1000} s`)
    : none('unresolved', `${place.host} was not resolved within ${ms / 1000} s`)

const unresolved = (place: Place, code: string): Answer =>
  none('unresolved', `${place.host} was not resolved (${code})`)

const onTheLink = ({ host }: Place, addresses: readonly LookupAddress[]): Answer =>
  none(
    'unresolved',
    `${host} leads to ${addresses.map(({ address }) => address).join(', ')}, where a cloud's metadata service may be, and no smarthost is`,
  )

/** Only ECONNREFUSED comes from the host itself. All else, as for an address of IPv6 where there is no IPv6, is of the network. */
const refused = ({ host, port }: Place, error: NodeJS.ErrnoException): Answer => {
  const { code, message } = error
  if (isOurs(error))
    return none('exhausted', `too many files are open here to connect to ${host}:${port} (${code}): ${more}`)
  return none(
    'unreachable',
    code === 'ECONNREFUSED'
      ? `${host}:${port} refused the connection (${code})`
      : `no way to ${host}:${port} (${code ?? message})`,
  )
}

const more = 'raise what this process, or this machine, may have (ulimit -n, fs.file-max)'
