/**
 * A listener on 127.0.0.1 that loses the first SYN of a connection: its queue is full until it is told to go on, and TCP sends
 * the SYN again after a second.
 */
import { once } from 'node:events'
import { connect } from 'node:net'
import { Worker } from 'node:worker_threads'
import { onTestFinished } from '../../own-test.ts'

/** Runs in a thread of its own, which accepts no connection while it waits. */
const listener = `
  const { parentPort, workerData } = require('node:worker_threads')
  const server = require('node:net').createServer(() => {})
  server.listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => {
    parentPort.postMessage(server.address().port)
    Atomics.wait(workerData, 0, 0)
  })`

/** Starts the listener, which is stopped when the test ends. */
export async function startSlowListener() {
  const held = new Int32Array(new SharedArrayBuffer(4))
  const worker = new Worker(listener, { eval: true, workerData: held })
  const [port] = (await once(worker, 'message')) as [number]
  // Linux queues one connection more than the backlog says.
  const queued = [connect(port, '127.0.0.1'), connect(port, '127.0.0.1')]
  await Promise.all(queued.map((socket) => once(socket, 'connect')))
  onTestFinished(async () => {
    for (const socket of queued) socket.destroy()
    await worker.terminate()
  })
  return {
    port,
    goOn(): void {
      Atomics.store(held, 0, 1)
      Atomics.notify(held, 0)
    },
  }
}
