/** Asks a relay of this machine for its status, and for what its credentials have used. */
import type { RelayStatus, RelayUsage } from '../../relay/http.ts'
import { textOf } from './files.ts'
import type { FleetFolder } from './state.ts'

type Endpoints = {
  readonly pid: number
  readonly http: { readonly address: string; readonly port: number }
}

const answerMs = 1000

/**
 * What the relay with this process id reports; undefined while it does not answer. Without a `pid`: the relay that wrote the
 * endpoints file last.
 */
export const askRelay = (folder: FleetFolder, pid?: number): Promise<RelayStatus | undefined> =>
  ask<RelayStatus>(folder, '/status', pid)

export const askUsage = (folder: FleetFolder, pid?: number): Promise<RelayUsage | undefined> =>
  ask<RelayUsage>(folder, '/usage', pid)

async function ask<Page>(folder: FleetFolder, path: string, pid: number | undefined): Promise<Page | undefined> {
  try {
    const endpoints = JSON.parse(textOf(folder.endpoints) ?? '') as Endpoints
    if (pid !== undefined && endpoints.pid !== pid) return undefined
    const { address, port } = endpoints.http
    const response = await fetch(`http://${address}:${port}${path}`, { signal: AbortSignal.timeout(answerMs) })
    return (await response.json()) as Page
  } catch {
    return undefined
  }
}
