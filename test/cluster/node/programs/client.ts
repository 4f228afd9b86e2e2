/** In a pod: submits load as applications do, and finds out when a credential is refused. */
import { setTimeout as sleep } from 'node:timers/promises'
import { loadMessage } from '../../../local/load-message.ts'
import { type Access, SmtpSession } from '../../../local/smtp-session.ts'
import { control } from './control.ts'
import { RetryingClient } from './retrying-client.ts'

export type LoadRequest = {
  readonly access: Access
  readonly sessions: number
  readonly messagesPerConnection: number
  /** Messages a second of each session. */
  readonly rate: number
  readonly reversePath: string
  readonly forwardPath: string
}

export type LoadResult = {
  readonly acknowledged: readonly string[]
  /** Messages that were given up: a client that tries again has seen a failure. */
  readonly failed: readonly string[]
  /** How often something was tried again, by what was seen. */
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

/** Submits until it is stopped; milliseconds until its slowest session was open. */
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

/** Logs in again and again; when it is refused, and with which words. */
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
    // What an earlier test has left behind ends first.
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
