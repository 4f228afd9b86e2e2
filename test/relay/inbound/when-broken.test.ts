/** Mail of a sender domain that is to be sent signed or not at all is refused while no key can sign, and taken when one can. */
import { expect, test } from 'vitest'
import { ed25519Key, signingWith } from '../delivery/signing-keys.ts'
import { banner, logIn, reply, start, talk } from './clients.ts'
import { baseConfig, load } from './submission-under-test.ts'

const key = ed25519Key('e1')
const ending = Date.now() + 86_400_000
const signing = [
  { ...signingWith('corp.example', [key], { whenBroken: 'Refuse' }), keys: [{ ...key.config, notAfter: ending }] },
]

const config = { ...baseConfig, signing }

test('mail of a domain with `whenBroken: Refuse` is refused while its key is missing or has ended, and taken while the key can sign', async () => {
  let now = ending
  const { spool, under } = await start(undefined, config, () => now)
  const loaded = await load(config)
  const [, socket] = await banner(under, 'submissions')
  await logIn(socket)
  const submit = async (): Promise<string> => {
    await talk(socket, 'MAIL FROM:<noreply@corp.example>', 'RCPT TO:<user@elsewhere.example>', 'DATA')
    socket.write('From: <noreply@corp.example>\r\n\r\nhello\r\n.\r\n')
    return reply(socket)
  }
  const refused = /^451 4\.7\.5 .*\(senderDomain\.whenBroken\)/
  expect(await submit(), 'the key has no file').toMatch(refused)
  await under.submission.reconcile({ ...loaded, files: new Map([...loaded.files, [key.config.keyFile, key.pem]]) })
  expect(await submit(), 'the key can sign').toMatch(/^250 /)
  now = ending + 1
  expect(await submit(), 'the time of the key is over').toMatch(refused)
  expect(spool.kept).toHaveLength(1)
})

test('a reply that names long records has lines of at most 512 octets (RFC 5321 section 4.5.3.1.5)', async () => {
  const domain = `${'notifications.'.repeat(17)}example`
  const broken = { senderDomain: `mail/${domain}`, domain: 'corp.example', action: 'Refuse' as const }
  const records = ['a', 'b', 'c', 'd'].map((selector) => `TXT ${selector}._domainkey.${domain}`)
  const { under } = await start(undefined, { ...baseConfig, brokenDomains: [{ ...broken, records }] })
  const [, socket] = await banner(under, 'submissions')
  await logIn(socket)
  await talk(socket, 'MAIL FROM:<noreply@corp.example>', 'RCPT TO:<user@elsewhere.example>', 'DATA')
  socket.write('From: <noreply@corp.example>\r\n\r\nhello\r\n.\r\n')
  const lines = (await reply(socket)).split('\r\n').slice(0, -1)
  expect(lines.filter((line) => line.length > 510)).toEqual([])
  expect(lines.map((line) => line.slice(0, 10))).toEqual(['451-4.7.5 ', '451-4.7.5 ', '451-4.7.5 ', '451 4.7.5 '])
  expect(lines.at(-1)).toMatch(/\(senderDomain\.whenBroken\)$/)
})
