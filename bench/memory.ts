/** How much memory a contestant takes: at rest, with many idle sessions, and under load. */
import { setTimeout as sleep } from 'node:timers/promises'
import { type Access, SmtpSession } from '../test/local/smtp-session.ts'
import { until } from '../test/local/until.ts'
import { weigh } from './process-tree.ts'
import type { Weight } from './results.ts'

const idleSessions = 1000
const atOnce = 20
const sampleMs = 250

/** The memory of a process and its descendants, once two samples in a row differ by less than 1 %. */
export async function settledWeight(pid: number): Promise<Weight> {
  let last = weigh(pid)
  return until(`the weight of process ${pid} settles`, async () => {
    await sleep(sampleMs)
    const now = weigh(pid)
    const still = Math.abs(now.pssBytes - last.pssBytes) < 0.01 * last.pssBytes
    last = now
    return still ? now : undefined
  })
}

/** @throws Error when a session is refused, or is closed before it was weighed */
export async function weightWithSessions(pid: number, access: Access): Promise<Weight> {
  const sessions: SmtpSession[] = []
  const opener = async (): Promise<void> => {
    for (let left = idleSessions / atOnce; left > 0; left -= 1) sessions.push(await SmtpSession.open(access))
  }
  try {
    await Promise.all(Array.from({ length: atOnce }, opener))
    const weight = await settledWeight(pid)
    const lost = sessions.filter((session) => session.closed).length
    if (lost > 0) throw new Error(`${lost} of ${idleSessions} sessions did not stay`)
    return weight
  } finally {
    await Promise.all(sessions.map((session) => session.quit()))
  }
}

/** The heaviest sample while `work` runs, four in a second. */
export async function weightDuring(pid: number, work: () => Promise<unknown>): Promise<Weight> {
  let heaviest = weigh(pid)
  const sampler = setInterval(() => {
    const now = weigh(pid)
    if (now.pssBytes > heaviest.pssBytes) heaviest = now
  }, sampleMs)
  await work().finally(() => clearInterval(sampler))
  return heaviest
}
