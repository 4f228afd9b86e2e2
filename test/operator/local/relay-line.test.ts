/** Each log line of a relay becomes one line that a person at a terminal understands. */
import { execSync } from 'node:child_process'
import { resolve } from 'node:path'
import { expect, test } from 'vitest'
import { ownCommandIn, packageFolder } from '../../../operator/local/relay-command.ts'
import { tellLine } from '../../../operator/local/relay-line.ts'
import { createEvents, type Events } from '../../../relay/events.ts'
import { createLog } from '../../../relay/log.ts'
import { createMetrics } from '../../../relay/metrics.ts'
import { temporaryFolder } from '../../local/temporary.ts'

const line = (fields: object): string => JSON.stringify({ level: 30, time: '2026-11-24T00:00:00Z', ...fields })

test.each([
  [
    { msg: 'listening', listener: 'submission', address: '127.0.0.1', port: 2525 },
    { level: 'info', text: 'listening on 127.0.0.1:2525 (submission)' },
  ],
  [
    {
      msg: 'refused',
      credential: 'team-a/web',
      stage: 'rcpt',
      code: 550,
      status: '5.7.1',
      text: 'no (recipients.allow)',
    },
    { level: 'info', text: 'refused team-a/web at rcpt: 550 5.7.1 no (recipients.allow)' },
  ],
  [
    { level: 50, msg: 'configuration refused; the last good one stays in force', why: 'config.routes: is not a list' },
    { level: 'error', text: 'configuration refused; the last good one stays in force: config.routes: is not a list' },
  ],
  [
    { level: 50, msg: 'unexpected', where: 'process', err: { message: 'boom', stack: 'many lines' } },
    { level: 'error', text: 'unexpected: process boom' },
  ],
  [
    { level: 40, msg: 'smarthost left out', smarthost: 'ses', host: 'smtp.example', forMs: 1500, reply: '535 no' },
    { level: 'warn', text: 'smarthost ses (smtp.example) is left out for 2 s: 535 no' },
  ],
  [
    { level: 40, msg: 'client locked out', client: '192.0.2.7', forMs: 900_000 },
    { level: 'warn', text: 'locked out 192.0.2.7 for 900 s after too many failed logins' },
  ],
  [
    {
      msg: 'delivery attempted',
      queueId: 'q',
      smarthost: 'ses',
      outcome: 'bounced',
      code: 550,
      status: '5.1.1',
      text: 'no',
    },
    { level: 'info', text: 'refused q by ses: 550 5.1.1 no' },
  ],
  [
    {
      msg: 'delivery attempted',
      queueId: 'q',
      smarthost: 'mx',
      host: 'mx1.example.net',
      outcome: 'deferred',
      code: 451,
      status: '4.4.1',
      text: 'late',
    },
    { level: 'info', text: 'deferred q by exchanger mx1.example.net: 451 4.4.1 late' },
  ],
  [
    { msg: 'captured', queueId: 'q' },
    { level: 'info', text: 'captured q; see it with: npx node operator/cli.ts inbox show q' },
  ],
  [
    { msg: 'authentication failed', client: '192.0.2.7', credential: 'team-a/web', reason: 'password', rule: 'r' },
    { level: 'info', text: 'login failed from 192.0.2.7 as team-a/web: password (r)' },
  ],
  [
    { msg: 'authentication failed', client: '192.0.2.7', reason: 'unknown', rule: 'r' },
    { level: 'info', text: 'login failed from 192.0.2.7: unknown (r)' },
  ],
  [
    { level: 40, msg: 'most recipients of the day are used', credential: 'team-a/web', today: 400, share: 500 },
    { level: 'warn', text: 'most recipients of the day are used: team-a/web' },
  ],
  [
    {
      level: 40,
      msg: 'held until it can be signed',
      queueId: 'q',
      domain: 'example.org',
      selector: 's',
      why: 'no key',
    },
    { level: 'warn', text: 'held until it can be signed: q example.org s no key' },
  ],
  [
    { level: 40, msg: 'may arrive twice: an attempt was open when the relay ended', queueId: 'q' },
    { level: 'warn', text: 'may arrive twice: an attempt was open when the relay ended: q' },
  ],
  [
    { level: 40, msg: 'the store of limits does not answer', store: 'valkey:6379', why: 'ECONNREFUSED' },
    { level: 'warn', text: 'the store of limits does not answer: valkey:6379 ECONNREFUSED' },
  ],
  [{ msg: 'left the queue', queueId: 'q1', seconds: 1 }, undefined],
])('the log line %j is shown in words', (fields, told) => {
  expect(tellLine(line(fields), resolve('.relayfleet'))).toEqual(told)
})

test.each<[string, (events: Events) => void, readonly string[]]>([
  ['a file that went bad', (e) => e.fileNotUsed('tls.crt (it ended)'), ['tls.crt', 'it ended']],
  [
    'a key that can not sign',
    (e) => e.unsigned('q', { domain: 'example.org', selector: 'rf1', problem: 'it is empty' }, true),
    ['q', 'example.org', 'rf1', 'it is empty'],
  ],
  [
    'broken records',
    (e) => e.unverifiable('q', { domain: 'example.org', records: ['TXT example.org', 'TXT rf1.example.org'] }),
    ['q', 'TXT example.org, TXT rf1.example.org'],
  ],
  ['a call to the disk that hangs', (e) => e.endedAtTheDisk('/var/data'), ['/var/data']],
])('a relay tells of %s what it is about', (_what, event, told) => {
  const lines: string[] = []
  const metrics = createMetrics('mail/shared', () => expect.unreachable())
  event(createEvents(createLog({ write: (text) => lines.push(text) }), metrics, () => 'Clear'))
  const text = tellLine(lines[0] ?? '', '/')?.text
  for (const part of told) expect(text).toContain(part)
})

test('a line that is no log line, such as that of a crash, is shown as it is', () => {
  expect(tellLine('Error: boom', '/')).toEqual({ level: 'error', text: 'Error: boom' })
  expect(tellLine('', '/')).toBeUndefined()
})

test('the command that shows a captured message names the state folder, unless that is the default one', () => {
  const captured = line({ msg: 'captured', queueId: 'q' })
  expect(tellLine(captured, '/var/mail fleet')?.text).toBe(
    "captured q; see it with: npx node operator/cli.ts inbox show q --state '/var/mail fleet'",
  )
})

test('the relayfleet command that is shown works in our own folder and in any other', () => {
  expect(ownCommandIn(packageFolder)).toBe('npx node operator/cli.ts')
  const elsewhere = temporaryFolder()
  expect(execSync(`${ownCommandIn(elsewhere)} --version`, { cwd: elsewhere, encoding: 'utf8' })).toMatch(/^\d+\.\d+/)
})
