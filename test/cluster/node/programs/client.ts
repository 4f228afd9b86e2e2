/** Runs in a pod: submits load as applications do, and finds out when a credential is refused or admitted. */
import { setTimeout as sleep } from 'node:timers/promises'
import { loadMessage } from '../../../local/load-message.ts'
import { type Access, SmtpSession } from '../../../local/smtp-session.ts'
import { control } from './control.ts'
import { RetryingClient } from './retrying-client.ts'

export type LoadRequest = {
  readonly access: Access
  readonly sessions: number
  readonly messagesPerConnection: number
  /** Messages a second for each session. */
  readonly rate: number
  readonly reversePath: string
  readonly forwardPath: string
}

export type LoadResult = {
  readonly acknowledged: readonly string[]
  /** Messages that were never acknowledged, although the client tried them again and again. */
  readonly failed: readonly string[]
  /** How often a message was tried again, by the reply or error that caused it. */
  readonly retries: Readonly<Record<string, number>>
  /** Milliseconds until the slowest session was open. */
  readonly slowestMs: number
}

let acknowledged: string[] = []
let failed: string[] = []
let retries: Record<string, number> = {}
let stopped = false
let running: Promise<readonly number[]> = Promise.resolve([])
let count = 0

/** Submits until it is stopped; then the milliseconds that its slowest session took to open. */
async function application(request: LoadRequest): Promise<number> {
  const client = new RetryingClient(request.access, request.messagesPerConnection, (what) => {
    retries[what] = (retries[what] ?? 0) + 1
  })
  while (!stopped) {
    const begin = performance.now()
    const id = `load-${count++}`
    const { reversePath, forwardPath } = request
    const done = await client.submit(loadMessage({ id, reversePath, forwardPaths: [forwardPath] }, 4096))
    const list = done ? acknowledged : failed
    list.push(id)
    await sleep(Math.max(0, 1000 / request.rate - (performance.now() - begin)))
  }
  await client.close()
  return client.slowestMs
}

/** Logs in again and again until it fails; when that was (milliseconds since the epoch), and with which error. */
async function untilRefused(access: Access): Promise<{ readonly at: number; readonly reply: string }> {
  for (;;) {
    try {
      await (await SmtpSession.open(access)).quit()
    } catch (error) {
      return { at: Date.now(), reply: (error as Error).message }
    }
    await sleep(5)
  }
}

/** Logs in again and again until it is let in. */
async function untilAdmitted(access: Access): Promise<void> {
  for (;;) {
    try {
      await (await SmtpSession.open(access)).quit()
      return
    } catch {
      await sleep(20)
    }
  }
}

control(8080, {
  '/load': async (body) => {
    // A load that an earlier test left behind has to end first.
    stopped = true
    await running
    const request = body as LoadRequest
    ;[acknowledged, failed, retries, stopped] = [[], [], {}, false]
    running = Promise.all(Array.from({ length: request.sessions }, () => application(request)))
  },
  '/acknowledged': () => acknowledged.length,
  '/stop': async (): Promise<LoadResult> => {
    stopped = true
    const slowestMs = Math.max(...(await running))
    return { acknowledged, failed, retries, slowestMs }
  },
  '/admitted': (body) => untilAdmitted(body as Access),
  '/refused': (body) => untilRefused(body as Access),
})
