/** Clients that misbehave, each in one way, and leave: what a relay meets all day beside its mail. */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { type Access, SmtpSession } from './smtp-session.ts'

type Nuisance = (access: Access, localAddress: string) => Promise<void>

const silent = (socket: Socket): Socket => socket.on('error', () => {})

/** Sends these octets before TLS, waits for an answer, and leaves. */
const says =
  (octets: string): Nuisance =>
  async ({ host, port }, localAddress) => {
    const socket = silent(connect({ host, port, localAddress }))
    await Promise.race([once(socket, 'data'), once(socket, 'close')])
    socket.write(octets, 'latin1')
    await Promise.race([once(socket, 'data'), once(socket, 'close')])
    socket.destroy()
  }

/** Sends these octets after DATA, in a session that is logged in, and leaves; if `hears`, after one more reply. */
const inData =
  (octets: string, hears: boolean): Nuisance =>
  async (access) => {
    const session = await SmtpSession.open(access)
    await session.command('MAIL FROM:<app@corp.test>')
    await session.command('RCPT TO:<a@x.test>')
    await session.command('DATA')
    session.write(octets)
    if (hears) await session.reply()
    session.close()
  }

const header = 'From: <app@corp.test>\r\n'

const nuisances: Readonly<Record<string, Nuisance>> = {
  'a wrong password': async (access, localAddress) => {
    const session = await SmtpSession.connect({ ...access, localAddress })
    await session.command('EHLO client.test')
    await session.startTls(access)
    await session.login({ username: 'load', password: 'a guess' })
    session.close()
  },
  'connects and leaves': async ({ host, port }, localAddress) => {
    const socket = silent(connect({ host, port, localAddress }))
    await Promise.race([once(socket, 'connect'), once(socket, 'close')])
    socket.destroy()
  },
  'speaks HTTP': says('GET / HTTP/1.1\r\nHost: x\r\n\r\n'),
  'speaks TLS': says('\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03'),
  'ends lines with LF': says('EHLO x\nMAIL FROM:<a@b.test>\n'),
  'garbage behind STARTTLS': says('STARTTLS\r\nEHLO again\r\n'),
  'leaves in a content': inData(`${header}\r\n${'x'.repeat(70)}\r\n`, false),
  'leaves in a large content': inData(`${header}\r\n${`${'x'.repeat(70)}\r\n`.repeat(4000)}`, false),
  'a foreign From': inData('From: <ceo@other.test>\r\n\r\nhi\r\n.\r\n', true),
  'a NUL': inData(`${header}\r\n\0\r\n.\r\n`, true),
  'a bare LF': inData(`${header}\r\na\nb\r\n.\r\n`, true),
  'a header of 200 KB': inData(`${header}${'X: y\r\n'.repeat(33_000)}\r\n.\r\n`, true),
}

/** Starts one after the other, one every `everyMs`, until stopped; those that do not get as far as DATA use 50 addresses. */
export function startNuisances(access: Access, everyMs: number) {
  const all = Object.values(nuisances)
  const running = new Set<Promise<void>>()
  let n = 0
  const timer = setInterval(() => {
    const nuisance = all[n % all.length]
    n += 1
    // What becomes of the client does not matter: the question is what it leaves behind in the relay.
    const one = nuisance?.(access, `127.3.0.${(n % 50) + 1}`).catch(() => undefined)
    if (one) running.add(one.finally(() => running.delete(one)))
  }, everyMs)
  return {
    count: () => n,
    stop: async (): Promise<void> => {
      clearInterval(timer)
      await Promise.all(running)
    },
  }
}
