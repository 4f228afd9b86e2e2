/** Asks a relay of this machine how it stands. */
import type { RelayStatus } from '../../relay/http.ts'
import { textOf } from './files.ts'
import type { FleetFolder } from './state.ts'

type Endpoints = {
  readonly pid: number
  readonly http: { readonly address: string; readonly port: number }
}

const answerMs = 1000

/** What process `pid` reports; undefined while it does not answer. Without a pid: whoever wrote the endpoints. */
export async function askRelay(folder: FleetFolder, pid?: number): Promise<RelayStatus | undefined> {
  try {
    const endpoints = JSON.parse(textOf(folder.endpoints) ?? '') as Endpoints
    if (pid !== undefined && endpoints.pid !== pid) return undefined
    const { address, port } = endpoints.http
    const response = await fetch(`http://${address}:${port}/status`, { signal: AbortSignal.timeout(answerMs) })
    return (await response.json()) as RelayStatus
  } catch {
    return undefined
  }
}
