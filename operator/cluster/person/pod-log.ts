/** A pod's log as it is written, line by line. */
import { relayContainerName } from '../../manifests/names.ts'
import { Lines } from '../api/lines.ts'
import type { Wire } from '../api/wire.ts'

/** Far more than a line of a relay has. */
const maxLine = 1024 * 1024
const openMs = 15_000

type Pod = { readonly namespace: string; readonly name: string }

/**
 * What the relay has written since 30 s ago, and goes on to write, until the signal ends.
 * @throws ApiError when it may not be read, or ends
 */
export async function* podLog(wire: Wire, { namespace, name }: Pod, signal: AbortSignal): AsyncGenerator<string> {
  const path = `/api/v1/namespaces/${namespace}/pods/${name}/log`
  const query = { follow: 'true', container: relayContainerName, sinceSeconds: '30' }
  const answer = await wire.stream({ method: 'GET', path, query, timeoutMs: openMs, signal })
  const lines = new Lines(maxLine)
  for await (const chunk of answer as AsyncIterable<Buffer>) yield* lines.push(chunk)
}
