/** What a scripted smarthost does at one stage: what it says, in which pieces, and whether it ends the connection. */
import type { Socket } from 'node:net'
import { TLSSocket } from 'node:tls'

export type ScriptStage =
  | 'banner'
  | 'EHLO'
  | 'STARTTLS'
  | 'AUTH'
  | 'RSET'
  | 'MAIL'
  | 'RCPT'
  | 'DATA'
  | 'content'
  | 'dot'
  | 'QUIT'
  /** A line that is no command, such as the continuation of AUTH. */
  | 'other'

export type Behaviour = {
  /** Without the final CR LF; `\r\n` separates lines. A Buffer is sent as it is. */
  readonly says?: string | Buffer
  /** The number of octets in each write, which mostly is a TCP segment of its own; without it, all at once. */
  readonly pieces?: number
  readonly ends?: 'drop' | 'reset'
  readonly afterMs?: number
  /** It is done when this has come about. */
  readonly after?: Promise<unknown>
}

/** A behaviour, or one for each time (from 0, over all connections) that the stage is reached. */
export type Script = Partial<Record<ScriptStage, Behaviour | ((time: number, line: string) => Behaviour | undefined)>>

export const silence: Behaviour = {}
export const drop: Behaviour = { ends: 'drop' }
export const reset: Behaviour = { ends: 'reset' }
export const say = (says: string | Buffer, rest: Omit<Behaviour, 'says'> = {}): Behaviour => ({ says, ...rest })

export const usual: Readonly<Record<ScriptStage, Behaviour>> = {
  banner: say('220 smarthost.test ESMTP'),
  EHLO: say('250 smarthost.test'),
  STARTTLS: say('220 2.0.0 go ahead'),
  AUTH: say('235 2.7.0 welcome'),
  RSET: say('250 2.0.0 ok'),
  MAIL: say('250 2.1.0 ok'),
  RCPT: say('250 2.1.5 ok'),
  DATA: say('354 go ahead'),
  content: silence,
  dot: say('250 2.0.0 queued'),
  QUIT: say('221 2.0.0 bye', { ends: 'drop' }),
  other: say('500 5.5.2 what?'),
}

export const isPositive = ({ says }: Behaviour): boolean => /^[23]/.test(String(says ?? ''))

export async function perform(socket: Socket, { says, pieces, ends, afterMs, after }: Behaviour): Promise<void> {
  if (afterMs !== undefined) await new Promise((resolve) => setTimeout(resolve, afterMs))
  if (after !== undefined) await after
  const octets = typeof says === 'string' ? Buffer.from(`${says}\r\n`) : (says ?? Buffer.alloc(0))
  const size = pieces ?? Math.max(1, octets.length)
  for (let at = 0; at < octets.length; at += size) {
    socket.write(octets.subarray(at, at + size))
    if (pieces !== undefined) await new Promise((resolve) => setImmediate(resolve))
  }
  if (ends === 'drop') socket.end()
  // TLS has no reset of its own: its socket is closed without the closing alert.
  if (ends === 'reset') socket instanceof TLSSocket ? socket.destroy() : socket.resetAndDestroy()
}
