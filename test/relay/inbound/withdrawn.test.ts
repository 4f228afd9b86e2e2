/** What a reload takes away counts at once for open sessions, and at its end for a content that is on its way. */
import { expect, test, vi } from 'vitest'
import { type CredentialConfig, type RelayConfig, verifierOf } from '../../../relay/config.ts'
import { banner, client, logIn, mail, start, talk } from './clients.ts'
import { app, baseConfig, certificateConfig } from './submission-under-test.ts'

test('a credential that is suspended while its session is open sends nothing more', async () => {
  const { spool, under } = await start()
  const pooled = client(under, { pool: true })
  await pooled.sendMail(mail)
  await under.apply({
    ...baseConfig,
    credentials: baseConfig.credentials.map((c) => (c.username === app.username ? { ...c, suspended: true } : c)),
  })
  await expect(pooled.sendMail(mail)).rejects.toThrow('535 5.7.8 this credential is suspended (credential.suspended)')
  await under.apply(baseConfig)
  await pooled.sendMail(mail)
  expect(spool.kept).toHaveLength(2)
})

test('a session ends with its password, and a client that connects again logs in by the one that took its place (case A12)', async () => {
  const { spool, under } = await start()
  const [, before] = await banner(under, 'submissions')
  await logIn(before)
  await under.apply(narrowed({ keys: [{ id: 'k2', verifier: verifierOf('another-secret-0123456789') }] }))
  expect(await talk(before, 'MAIL FROM:<noreply@corp.example>')).toEqual([
    '421 4.7.0 the password of this session does not count any more; connect again with the one of today (always.passwordEnded)\r\n',
  ])
  await client(under, { pass: 'another-secret-0123456789' }).sendMail(mail)
  expect(spool.kept).toHaveLength(1)
})

/** A client in the middle of a content, whose header has been judged: octets go to the spool only after that. */
async function sending(header: string) {
  const { spool, under } = await start()
  const [, socket] = await banner(under, 'submissions')
  await logIn(socket)
  await talk(socket, 'MAIL FROM:<noreply@corp.example>', 'RCPT TO:<a@elsewhere.example>', 'DATA')
  socket.write(`${header}\r\n\r\n${`${'x'.repeat(76)}\r\n`.repeat(2_000)}`)
  await expect.poll(() => spool.written).toBeGreaterThan(0)
  return { spool, under, socket }
}

test('a credential that is suspended while its content comes sends nothing', async () => {
  const { spool, under, socket } = await sending('From: <noreply@corp.example>')
  await under.apply({ ...baseConfig, credentials: [] })
  expect(await talk(socket, '.')).toEqual([expect.stringMatching(/^535 5\.7\.8 /)])
  expect(spool.kept).toEqual([])
  expect(spool.aborted).toBe(1)
})

const narrowed = (over: Partial<CredentialConfig>): RelayConfig => ({
  ...baseConfig,
  credentials: baseConfig.credentials.map((c) => (c.username === app.username ? { ...c, ...over } : c)),
})
/** With the passwords of before: a certificate is asked for beside them. */
const requiring: RelayConfig = { ...baseConfig, listeners: certificateConfig('Required').listeners }
const corp = baseConfig.credentials.find((c) => c.username === app.username)?.senders ?? []

test.each([
  ['a domain that withdraws its consent', narrowed({ senders: [] }), 'senderRules.envelopeFrom'],
  [
    'local parts',
    narrowed({ senders: corp.map((s) => ({ ...s, localParts: ['noreply'] })) }),
    'senderRules.headerFrom',
  ],
  ['addresses', narrowed({ addresses: ['noreply@corp.example'] }), 'senderRules.headerFrom'],
  ['recipients of the credential', narrowed({ recipientDomains: ['corp.example'] }), 'credential.recipients'],
  [
    'recipients of the policy',
    { ...baseConfig, recipients: { mode: 'AllowList', domains: ['corp.example'], addresses: [] } },
    'recipients.allow',
  ],
  ['a network that is denied', { ...baseConfig, networks: { allow: [], deny: ['127.0.0.0/8'] } }, 'admission.networks'],
  ['a fleet that is suspended', { ...baseConfig, suspended: true }, 'suspended'],
  ['a listener that comes to require certificates', requiring, 'always.clientCertificateEnded'],
] as const)('a right that is taken away while a content comes does not count at its end (case A03): %s', async (_, next, rule) => {
  const { spool, under, socket } = await sending('From: <billing@corp.example>')
  await under.apply(next)
  expect(await talk(socket, '.')).toEqual([
    expect.stringMatching(`^(?:55[04] 5\\.7\\.1|421 4\\.(?:3\\.2|7\\.0)) .*\\(${rule}\\)`),
  ])
  expect(spool.kept).toEqual([])
  expect(spool.aborted).toBe(1)
})

test('a right that is taken away while the store of limits is waited for does not count afterwards (case A03)', async () => {
  const limited = narrowed({ limits: { daily: 10, warnAt: 80 } })
  const { spool, under } = await start(undefined, limited)
  const [, socket] = await banner(under, 'submissions')
  await logIn(socket)
  await talk(socket, 'MAIL FROM:<noreply@corp.example>', 'RCPT TO:<a@elsewhere.example>', 'DATA')
  const answer = Promise.withResolvers<undefined>()
  const take = vi.spyOn(under.allowances, 'take').mockReturnValueOnce(answer.promise)
  const giveBack = vi.spyOn(under.allowances, 'giveBack')
  const replied = talk(socket, 'From: <noreply@corp.example>\r\n\r\nhi\r\n.')
  await expect.poll(() => take.mock.calls.length).toBe(1)
  await under.apply({ ...limited, credentials: limited.credentials.map((c) => ({ ...c, suspended: true })) })
  answer.resolve(undefined)
  expect(await replied).toEqual(['535 5.7.8 this credential is suspended (credential.suspended)\r\n'])
  expect(spool.kept).toEqual([])
  expect(spool.aborted).toBe(1)
  expect(giveBack).toHaveBeenCalledOnce()
})

test('a policy that begins to capture while a content comes captures that message', async () => {
  const { spool, under } = await start()
  const [, socket] = await banner(under, 'submissions')
  await logIn(socket)
  await talk(socket, 'MAIL FROM:<noreply@corp.example>', 'RCPT TO:<a@elsewhere.example>', 'DATA')
  socket.write('From: <noreply@corp.example>\r\n\r\n')
  await under.apply({ ...baseConfig, recipients: { ...baseConfig.recipients, mode: 'Capture' } })
  expect(await talk(socket, '.')).toEqual([expect.stringMatching(/^250 /)])
  expect(spool.kept[0]?.message.envelope).toMatchObject({
    disposition: 'capture',
    fromDomain: 'corp.example',
    signingDomain: 'corp.example',
  })
})

test('a domain that is withdrawn while a content comes signs no mail of the credential, where the policy only audits its senders (case A03)', async () => {
  const { envelopeFrom, headerFrom } = baseConfig.senderRules
  const audits = {
    ...baseConfig.senderRules,
    envelopeFrom: { ...envelopeFrom, enforcement: 'Audit' as const },
    headerFrom: { ...headerFrom, enforcement: 'Audit' as const },
  }
  const { spool, under, socket } = await sending('From: <noreply@corp.example>')
  await under.apply({ ...narrowed({ senders: [] }), senderRules: audits })
  expect(await talk(socket, '.')).toEqual([expect.stringMatching(/^250 /)])
  const envelope = spool.kept[0]?.message.envelope
  expect(envelope).toMatchObject({ fromDomain: 'corp.example' })
  expect(envelope).not.toHaveProperty('signingDomain')
})
