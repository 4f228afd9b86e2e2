/** Asks a relay how it stands, by its pod's address: soon answered, or not at all. */
import { once } from 'node:events'
import { Agent, type IncomingMessage, request } from 'node:http'
import type { RelayPod } from '../watch/relay-pod.ts'
import { type RelayReport, relayReport } from './relay-report.ts'

export type Ask = (pod: RelayPod, signal: AbortSignal) => Promise<RelayReport | undefined>

/** From the first octet to the last. */
const answerMs = 2000
/** A report is about a thousand. */
const mostOctets = 128 * 1024

/** Connections are not kept: a relay is asked every few seconds, and an address may be another pod's by then. */
const agent = new Agent({ keepAlive: false })

/** Undefined where there is no answer, or none that is a relay's. */
export const askRelay: Ask = async ({ ip, httpPort }, signal) => {
  if (ip === undefined || httpPort === undefined) return undefined
  const deadline = AbortSignal.any([signal, AbortSignal.timeout(answerMs)])
  try {
    const sent = request({ host: ip, port: httpPort, path: '/status', agent, signal: deadline })
    // Once there is an answer, what goes wrong is told by its stream.
    sent.on('error', () => undefined)
    sent.end()
    const [answer] = (await once(sent, 'response', { signal: deadline })) as [IncomingMessage]
    return relayReport(await bodyOf(answer))
  } catch {
    return undefined
  }
}

async function bodyOf(answer: IncomingMessage): Promise<string> {
  const parts: Buffer[] = []
  let octets = 0
  for await (const part of answer as AsyncIterable<Buffer>) {
    parts.push(part)
    octets += part.length
    if (octets > mostOctets) throw new RangeError('no report is that long')
  }
  if (answer.statusCode !== 200) throw new Error(`answered ${answer.statusCode}`)
  return Buffer.concat(parts).toString('utf8')
}
