/** Asks a relay how it stands, by the address of its pod; the answer comes soon, or not at all. */
import { once } from 'node:events'
import { Agent, type IncomingMessage, request } from 'node:http'
import { textOf } from '../api/wire.ts'
import type { RelayPod } from '../watch/relay-pod.ts'
import { type RelayReport, relayReport } from './relay-report.ts'
import { type UsageReport, usageReport } from './usage-report.ts'

export type Ask = (pod: RelayPod, signal: AbortSignal) => Promise<RelayReport | undefined>
export type AskUsage = (pod: RelayPod, signal: AbortSignal) => Promise<UsageReport | undefined>

type Page<Report> = {
  readonly path: string
  readonly mostOctets: number
  /** For the whole answer, connection included; milliseconds. */
  readonly answerMs: number
  /** @throws Error when it is no such report. */
  readonly read: (body: string) => Report
}

/** A report is about a thousand octets. */
const status: Page<RelayReport> = { path: '/status', mostOctets: 128 * 1024, answerMs: 2000, read: relayReport }
/** A report is about a hundred octets for each key that was used. */
const usage: Page<UsageReport> = { path: '/usage', mostOctets: 16 * 1024 * 1024, answerMs: 5000, read: usageReport }

/** Connections are not kept: a relay is asked only every few seconds, and by then its address may be another pod's. */
const agent = new Agent({ keepAlive: false })

/** Undefined where there is no answer, or none that is a relay's. */
const asking =
  <Report>({ path, mostOctets, answerMs, read }: Page<Report>) =>
  async ({ ip, httpPort }: RelayPod, signal: AbortSignal): Promise<Report | undefined> => {
    if (ip === undefined || httpPort === undefined) return undefined
    const deadline = AbortSignal.any([signal, AbortSignal.timeout(answerMs)])
    try {
      const sent = request({ host: ip, port: httpPort, path, agent, signal: deadline })
      // Once there is an answer, its stream tells of errors.
      sent.on('error', () => undefined)
      sent.end()
      const [answer] = (await once(sent, 'response', { signal: deadline })) as [IncomingMessage]
      const body = await textOf(answer, mostOctets)
      return answer.statusCode === 200 ? read(body) : undefined
    } catch {
      return undefined
    }
  }

export const askRelay: Ask = asking(status)
export const askUsage: AskUsage = asking(usage)
