/** A transaction ends when its time is over, counted from its MAIL, however busily its client goes on. */
import { expect, test } from 'vitest'
import { banner, logIn, start, talk } from './clients.ts'
import { baseConfig } from './submission-under-test.ts'

test('a client that names recipients without a pause is sent away when the time of its transaction is over', async () => {
  // Less than any machine needs for the thousand refusals that would end the session, too.
  const { under } = await start(undefined, { ...baseConfig, limits: { ...baseConfig.limits, transactionMs: 20 } })
  const [, socket] = await banner(under, 'submissions')
  await logIn(socket)
  await talk(socket, 'MAIL FROM:<noreply@corp.example>')
  let said = ''
  while (!/^421 /m.test(said)) said = (await talk(socket, 'RCPT TO:<a@elsewhere.example>')).join()
  expect(said).toMatch(/^421 4\.4\.2 .*\(admission\.limits\.transactionTime\)\r\n$/m)
})
