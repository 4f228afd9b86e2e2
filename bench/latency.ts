/** How long one whole submission takes when nothing else happens: connect, STARTTLS, AUTH, 4 KB, 250, QUIT. */
import { loadMessage } from '../test/local/load-message.ts'
import { type Access, SmtpSession } from '../test/local/smtp-session.ts'

export type Latency = { readonly p50Ms: number; readonly p99Ms: number }

export async function latency(access: Access, samples: number, bytes: number): Promise<Latency> {
  const envelope = { reversePath: 'app@corp.test', forwardPaths: ['someone@sink.test'] }
  const times: number[] = []
  for (let n = 0; n < samples; n += 1) {
    const message = loadMessage({ id: `l${n}`, ...envelope }, bytes)
    const start = performance.now()
    const session = await SmtpSession.open(access)
    await session.expect(session.submit(message), 250)
    await session.quit()
    times.push(performance.now() - start)
  }
  times.sort((a, b) => a - b)
  const at = (share: number): number => times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? 0
  return { p50Ms: at(0.5), p99Ms: at(0.99) }
}
