/** Every contestant has to be closed in the same way: nobody gets mail through without a login. */
import { type Access, SmtpSession } from '../test/local/smtp-session.ts'

/** @throws Error when a stranger's recipient is accepted. */
export async function demandClosed({ login: _, ...stranger }: Access): Promise<void> {
  const session = await SmtpSession.open(stranger)
  await session.command('MAIL FROM:<app@corp.test>')
  const { code, text } = await session.command('RCPT TO:<someone@sink.test>')
  await session.quit()
  if (code < 400) throw new Error(`it is open: without a login a recipient was answered ${code} ${text}`)
}
