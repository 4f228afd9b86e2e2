/** Clients of the submission under test: nodemailer, and raw sockets that show each reply. */
import { createConnection, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { createTransport, type Transporter } from 'nodemailer'
import { afterEach } from 'vitest'
import { MemorySpool } from './memory-spool.ts'
import { app, baseConfig, startSubmission, type UnderTest } from './submission-under-test.ts'

export const closers: (() => void | Promise<void>)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close()
})

export async function start(spool = new MemorySpool(), config = baseConfig, now?: () => number) {
  const under = await startSubmission(spool, config, now)
  closers.push(() => under.submission.close(0))
  return { spool, under }
}

type Client = { readonly user?: string; readonly pass?: string; readonly implicit?: boolean; readonly pool?: boolean }

export function client(
  under: UnderTest,
  { user = app.username, pass = app.password, implicit, pool }: Client = {},
): Transporter {
  const transport = createTransport({
    host: '127.0.0.1',
    port: under.port(implicit ? 'submissions' : 'submission'),
    secure: implicit === true,
    requireTLS: true,
    tls: { ca: under.ca, servername: 'localhost' },
    auth: { user, pass },
    ...(pool && { pool: true as const, maxConnections: 1 }),
  })
  closers.push(() => transport.close())
  return transport
}

export const mail = {
  from: 'App <noreply@corp.example>',
  to: ['a@elsewhere.example', 'b@elsewhere.example'],
  subject: 'Grüße',
  text: 'hello\n.\n..two dots\n',
}

/** Connects and reads the greeting. */
export async function banner(under: UnderTest, listener = 'submission'): Promise<[string, Socket]> {
  const port = under.port(listener)
  const socket =
    listener === 'submissions'
      ? connectTls({ host: '127.0.0.1', port, servername: 'localhost', ca: under.ca })
      : createConnection(port, '127.0.0.1')
  closers.push(() => void socket.destroy())
  socket.on('error', () => {})
  return [await reply(socket), socket]
}

export async function logIn(socket: Socket): Promise<void> {
  await talk(socket, 'EHLO x', `AUTH PLAIN ${Buffer.from(`\0${app.username}\0${app.password}`).toString('base64')}`)
}

/** Sends each line after the reply to the one before. */
export async function talk(socket: Socket, ...lines: readonly string[]): Promise<string[]> {
  const replies: string[] = []
  for (const line of lines) {
    socket.write(`${line}\r\n`)
    replies.push(await reply(socket))
  }
  return replies
}

export function reply(socket: Socket): Promise<string> {
  return new Promise((resolve, reject) => {
    let said = ''
    const closed = (): void => reject(new Error(`closed after ${JSON.stringify(said)}`))
    const take = (chunk: Buffer): void => {
      said += chunk.toString()
      if (!/^\d{3} .*\r\n$/m.test(said)) return
      socket.off('data', take).off('close', closed)
      resolve(said)
    }
    socket.on('data', take).once('close', closed)
  })
}

/** All octets until the connection ends. */
export function whole(socket: Socket): Promise<Buffer> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = []
    socket.on('data', (chunk: Buffer) => chunks.push(chunk)).on('error', () => {})
    socket.once('close', () => resolve(Buffer.concat(chunks)))
  })
}
