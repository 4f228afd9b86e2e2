/** How long one whole submission takes: connect, STARTTLS, AUTH, the message, 250, QUIT. */
import { loadMessage } from '../test/local/load-message.ts'
import { type Access, SmtpSession } from '../test/local/smtp-session.ts'

export type Latency = { readonly p50Ms: number; readonly p99Ms: number; readonly samples: number }

type Pace = {
  readonly samples: number
  readonly bytes: number
  /** How many go on at the same time; default 1: nothing else happens. */
  readonly parallel?: number
}

/** Submissions before the first that counts, so that it is no compiler that is measured. */
const uncounted = 100

export async function latency(access: Access, { samples, bytes, parallel = 1 }: Pace): Promise<Latency> {
  for (let n = 0; n < uncounted; n += 1) await submitOnce(access, n, bytes)
  const times: number[] = []
  let begun = 0
  const submitter = async (): Promise<void> => {
    while (begun < samples) times.push(await submitOnce(access, begun++, bytes))
  }
  await Promise.all(Array.from({ length: parallel }, submitter))
  times.sort((a, b) => a - b)
  const at = (share: number): number => times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? 0
  return { p50Ms: at(0.5), p99Ms: at(0.99), samples: times.length }
}

async function submitOnce(access: Access, n: number, bytes: number): Promise<number> {
  const message = loadMessage({ id: `l${n}`, reversePath: 'app@corp.test', forwardPaths: ['someone@sink.test'] }, bytes)
  const start = performance.now()
  const session = await SmtpSession.open(access)
  await session.expect(session.submit(message), 250)
  await session.quit()
  return performance.now() - start
}
