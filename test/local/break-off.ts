/** Clients that begin messages and break off before the final dot: none of their messages may ever arrive. */
import { setTimeout as sleep } from 'node:timers/promises'
import { loadMessage } from './load-message.ts'
import { senderDomain } from './relay-process.ts'
import { type Access, SmtpSession } from './smtp-session.ts'

/** The points at which a client breaks off, named by what it has sent by then. */
const ends = ['before DATA', 'at DATA', 'in the content', 'before the dot', 'within the dot', 'by RSET'] as const

/** Breaks off one message after the other until the signal; it never rejects. */
export async function breakOff(access: Access, random: () => number, signal: AbortSignal): Promise<void> {
  for (let n = 1; !signal.aborted; n += 1) {
    const end = ends[Math.floor(random() * ends.length)] ?? 'at DATA'
    await once(access, `broken-${n}`, end, random).catch(() => undefined)
    await sleep(random() * 200)
  }
}

async function once(access: Access, id: string, end: (typeof ends)[number], random: () => number): Promise<void> {
  const envelope = { id, reversePath: `app@${senderDomain}`, forwardPaths: [`good.${id}@x.test`] }
  const { reversePath, forwardPaths, content } = loadMessage(envelope, random() < 0.5 ? 4096 : 200_000)
  const session = await SmtpSession.open(access)
  try {
    await session.expect(session.command(`MAIL FROM:<${reversePath}>`), 250)
    await session.expect(session.command(`RCPT TO:<${forwardPaths[0]}>`), 250)
    if (end === 'before DATA') return
    if (end === 'by RSET') await session.expect(session.command('RSET'), 250)
    if (end === 'by RSET') return await session.quit()
    await session.expect(session.command('DATA'), 354)
    if (end === 'at DATA') return
    const part = Math.floor(content.length * random() * 0.9)
    session.write(end === 'in the content' ? content.subarray(0, part) : content)
    if (end === 'within the dot') session.write('.')
    await sleep(random() * 100)
  } finally {
    session.close()
  }
}
