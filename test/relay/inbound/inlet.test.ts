/** What a client sends while its session waits is bounded in octets and in pieces. */
import type { Socket } from 'node:net'
import { PassThrough } from 'node:stream'
import { expect, test } from 'vitest'
import { type Hearer, Inlet } from '../../../relay/inbound/inlet.ts'

/** A session that waits at its first command until it is released. */
function waiting() {
  const { promise, resolve } = Promise.withResolvers<void>()
  const heard: string[] = []
  const hearer: Hearer = {
    ready: true,
    inLogin: false,
    inTurn: (work) => work(),
    command: (line) => {
      heard.push(line)
      return heard.length === 1 ? promise : undefined
    },
    content: () => undefined,
    contentEnded: () => undefined,
    violated: ({ rule }) => heard.push(rule),
    failed: (error) => heard.push(String(error)),
    rested: () => {},
    ended: () => heard.push('ended'),
  }
  return { hearer, heard, release: resolve }
}

test('a client that sends octet by octet while its session waits is read no further than 128 pieces, and read on afterwards (case R15)', async () => {
  const { hearer, heard, release } = waiting()
  const socket = new PassThrough({ highWaterMark: 1 })
  const inlet = new Inlet(socket as unknown as Socket, hearer)
  socket.write('NOOP\r\n')
  const lines = 'NOOP\r\n'.repeat(100)
  for (const octet of lines) socket.write(octet)
  await new Promise(setImmediate)
  expect(socket.isPaused()).toBe(true)
  const unread = socket.readableLength + socket.writableLength
  expect(unread).toBeGreaterThanOrEqual(lines.length - 130)
  release()
  const all = new Promise<void>((resolve) => socket.on('data', () => heard.length === 101 && resolve()))
  await all
  expect(heard).toEqual(Array.from({ length: 101 }, () => 'NOOP'))
  await inlet.close()
})

test('what a client sends behind our last reply is dropped, and read no further than 256 KiB, since it may be all that its line carries (case R15)', async () => {
  const { hearer, heard } = waiting()
  const socket = new PassThrough({ highWaterMark: 1 })
  const inlet = new Inlet(socket as unknown as Socket, hearer)
  inlet.drop()
  let read = 0
  socket.on('data', ({ length }: Buffer) => {
    read += length
  })
  for (let n = 0; n < 64; n += 1) socket.write(`${'x'.repeat(16_382)}\r\n`)
  await new Promise(setImmediate)
  expect(socket.isPaused()).toBe(true)
  expect(read).toBe(256 * 1024)
  expect(heard).toEqual([])
})
