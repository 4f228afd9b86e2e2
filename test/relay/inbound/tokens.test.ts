/** A session that logged in by a token ends with it, common clients can use one, and neither log nor metrics show any of it. */
import { execFile } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { temporaryFolder } from '../../local/temporary.ts'
import { keys, signed, tokensConfig } from '../tokens.ts'
import { banner, client, mail, start, talk } from './clients.ts'
import { MemorySpool } from './memory-spool.ts'
import { baseConfig } from './submission-under-test.ts'

const config = { ...baseConfig, tokens: tokensConfig }
const plain = (token: string): string => `AUTH PLAIN ${Buffer.from(`\0web\0${token}`).toString('base64')}`

test('a session ends with its token by a reply that makes clients connect again', async () => {
  const clock = { now: Date.now() }
  const token = signed(keys.rsa)
  const { under } = await start(new MemorySpool(), config, () => clock.now)
  const [, socket] = await banner(under, 'submissions')
  const replies = await talk(socket, 'EHLO x', plain(token), 'MAIL FROM:<a@corp.example>', 'RSET')
  expect(replies.slice(1).map((r) => r.slice(0, 3))).toEqual(['235', '250', '250'])
  clock.now += (3607 + 31) * 1000
  expect(await talk(socket, 'MAIL FROM:<a@corp.example>')).toEqual([
    '421 4.7.0 the token of this session has expired; connect again with a new one (always.tokenExpired)\r\n',
  ])
})

test('no part of a token, be it good or bad, is in the log or the metrics', async () => {
  const { under } = await start(new MemorySpool(), config)
  const [good, bad] = [signed(keys.rsa), signed(keys.p256, { iss: 'https://other.example' })]
  const [, first] = await banner(under, 'submissions')
  await talk(first, 'EHLO x', plain(good))
  const [, second] = await banner(under, 'submissions')
  await talk(second, 'EHLO x', plain(bad), `AUTH PLAIN ${Buffer.from(`\0${good}\0x`).toString('base64')}`)
  const said = `${JSON.stringify(under.told)}${await under.metrics.registry.metrics()}`
  expect(said).toContain('ServiceAccount apps/web')
  for (const part of [...good.split('.'), ...bad.split('.')]) expect(said).not.toContain(part)
})

test('nodemailer sends by a token as its password', async () => {
  const { spool, under } = await start(new MemorySpool(), config)
  await client(under, { user: 'web', pass: signed(keys.rsa) }).sendMail(mail)
  expect(spool.kept.map((k) => k.message.envelope.credential)).toEqual(['apps/web'])
})

test('curl sends by OAUTHBEARER', async () => {
  const { spool, under } = await start(new MemorySpool(), config)
  const folder = temporaryFolder()
  const [ca, message] = [join(folder, 'ca.crt'), join(folder, 'message')]
  writeFileSync(ca, under.ca)
  writeFileSync(message, 'From: App <noreply@corp.example>\r\n\r\nhello\r\n')
  const address = `smtps://localhost:${under.port('submissions')}`
  const login = ['--user', 'web:', '--oauth2-bearer', signed(keys.p256), '--login-options', 'AUTH=OAUTHBEARER']
  const envelope = ['--mail-from', 'noreply@corp.example', '--mail-rcpt', 'a@elsewhere.example']
  await promisify(execFile)('curl', ['-sS', '--cacert', ca, address, ...login, ...envelope, '--upload-file', message])
  expect(spool.kept.map((k) => k.message.envelope.credential)).toEqual(['apps/web'])
  expect(under.told).toContainEqual(expect.objectContaining({ msg: 'authenticated', mechanism: 'OAUTHBEARER' }))
})
