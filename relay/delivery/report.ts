/** Puts a DSN into the spool, once: it is durable before the recipients that it reports are closed. */
import type { RelayConfig } from '../config.ts'
import type { Envelope, QueuedMessage } from '../mail/envelope.ts'
import { headerEnd } from '../mail/header.ts'
import { type ReportPolicy, reportMayLeave } from '../rules/report-way.ts'
import type { Spool } from '../spool/spool.ts'
import { composeDsn, type Failure, type HandedOn } from './dsn.ts'
import { dsnQueueId } from './dsn-id.ts'

export type Reporter = {
  readonly spool: Pick<Spool, 'receive' | 'has' | 'content'>
  /** The relay's name, and the policy that the DSN belongs to. */
  readonly own: () => Pick<RelayConfig, 'hostname' | 'policy'> & ReportPolicy
  /** Milliseconds since the epoch by the wall clock, which the DSN tells. */
  readonly wall: () => number
  /** Told before the DSN becomes the spool's, so that nobody delivers it before its original is closed. */
  readonly onComing: (dsnQueueId: string) => void
}

export type Reported = (Failure | HandedOn) & { readonly recipient: number }
type ReportedFailure = Failure & { readonly recipient: number }

export const isFailure = (reported: Reported): reported is ReportedFailure => 'givenUp' in reported

/**
 * The DSN, or undefined where it was made before. It is captured where the original was, and where no mail may leave to the
 * reverse-path. @throws SpoolError; nothing is queued then
 */
export async function queueDsn(
  { spool, own, wall, onComing }: Reporter,
  original: Envelope,
  reported: readonly Reported[],
): Promise<QueuedMessage | undefined> {
  const id = dsnQueueId(original.queueId, reported[0]?.recipient ?? 0)
  if (spool.has(id)) return undefined
  const config = own()
  const { hostname, policy } = config
  const [failures, handedOn] = [reported.filter(isFailure), reported.filter((one) => 'taken' in one)]
  // Of mail that is on its way nothing but the header comes back (RFC 3461 section 4.3).
  const isWhole = original.wishes?.ret === 'FULL' && failures.length > 0 && original.bytes <= mostReturned
  const octets = await readOriginal(spool, original.queueId, isWhole)
  const told = { dsnQueueId: id, hostname, now: wall(), original, failures, handedOn }
  const content = await composeDsn({ ...told, ...octets })
  const incoming = await spool.receive(id)
  onComing(id)
  try {
    await incoming.write(content)
    return await incoming.commit({
      acceptedAt: wall(),
      credential: policy,
      reversePath: '',
      forwardPaths: [original.reversePath],
      disposition: reportMayLeave(config, original.reversePath) ? original.disposition : 'capture',
      fromDomain: hostname,
      client: { address: '', helo: hostname, tls: '' },
      body: '7BIT',
      smtpUtf8: false,
      reports: { queueId: original.queueId, forwardPaths: reported.map(({ forwardPath }) => forwardPath) },
    })
  } catch (error) {
    await incoming.abort()
    throw error
  }
}

const maxHeader = 128 * 1024
/** Octets of a message that is returned whole: of a larger one only the header comes back, whatever is asked. */
const mostReturned = 128 * 1024
const blankLine = '\r\n'.length

type Original = { readonly header: Buffer; readonly whole?: Buffer }

/** The header is without its blank line; one that cannot be read is none, since the report matters more. */
async function readOriginal(spool: Pick<Spool, 'content'>, queueId: string, isWhole: boolean): Promise<Original> {
  let head = Buffer.alloc(0)
  try {
    for await (const chunk of spool.content(queueId) as AsyncIterable<Buffer>) {
      head = Buffer.concat([head, chunk])
      if (!isWhole && (headerEnd(head) !== -1 || head.length > maxHeader)) break
    }
  } catch {
    return { header: Buffer.alloc(0) }
  }
  const end = headerEnd(head)
  const header = head.subarray(0, end === -1 ? maxHeader : end - blankLine)
  return isWhole ? { header, whole: head } : { header }
}
