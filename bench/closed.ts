/** Checks that a contestant is no open relay: without a login, it must refuse a recipient. */
import { type Access, SmtpSession } from '../test/local/smtp-session.ts'

/** @throws Error when it accepts a recipient from a client that has not logged in. */
export async function demandClosed({ login: _, ...stranger }: Access): Promise<void> {
  const session = await SmtpSession.open(stranger)
  await session.command('MAIL FROM:<app@corp.test>')
  const { code, text } = await session.command('RCPT TO:<someone@sink.test>')
  await session.quit()
  if (code < 400) throw new Error(`it is open: without a login a recipient was answered ${code} ${text}`)
}
