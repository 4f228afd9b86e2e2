/** Octets that are no SMTP commands are refused as they come, and commands that wait take little memory. */
import { expect, test, vi } from 'vitest'
import { CommandLines, faultIn } from '../../../relay/inbound/command-lines.ts'
import { liveBytes } from '../live-memory.ts'

const text = (octets: string, inLogin = false) => faultIn(octets, inLogin)?.reply.text

test.each([
  ['a command', 'NOOP\r\n', undefined],
  ['several', 'NOOP\r\nRSET\r\nQU', undefined],
  ['nothing yet', '', undefined],
  ['a CR that waits for its LF', 'NOOP\r', undefined],
  ['UTF-8, one octet a character', 'MAIL FROM:<\xc3\xa9@b.example> SMTPUTF8\r\n', undefined],
  ['a tab', 'NOOP\tx\r\n', undefined],
  ['LF alone', 'NOOP\n', 'commands end with CR LF (always.syntax)'],
  ['LF alone behind a good line', 'NOOP\r\nRSET\n', 'commands end with CR LF (always.syntax)'],
  ['CR alone', 'NOOP\rRSET\r\n', 'commands end with CR LF (always.syntax)'],
  ['NUL', 'NO\0OP\r\n', 'control character in a command (always.syntax)'],
  [
    'a TLS handshake',
    '\x16\x03\x01',
    'TLS begins with STARTTLS here; a client that begins with TLS needs an Implicit listener (always.syntax)',
  ],
  [
    'the first octet of a TLS handshake',
    '\x16',
    'TLS begins with STARTTLS here; a client that begins with TLS needs an Implicit listener (always.syntax)',
  ],
  ['octets of a TLS handshake within a command', 'NOOP \x16\x03\x01', 'control character in a command (always.syntax)'],
  ['HTTP', 'GET / HTTP/1.1\r\nHost: x\r\n', 'this is an SMTP server (always.syntax)'],
  [
    'a proxy header',
    'PROXY TCP4 10.0.0.1 10.0.0.2 1 2\r\n',
    'no PROXY protocol here: switch it off at the load balancer (always.syntax)',
  ],
  ['a proxy header behind a command', 'NOOP\r\nPROXY UNKNOWN\r\n', 'this is an SMTP server (always.syntax)'],
  ['2,048 octets', `NOOP ${'x'.repeat(2_043)}\r\n`, undefined],
  ['2,049 octets', `NOOP ${'x'.repeat(2_044)}\r\n`, 'line too long (always.syntax)'],
  ['2,048 octets whose end is not all here', `NOOP ${'x'.repeat(2_043)}\r`, undefined],
  ['2,049 octets without an end', `NOOP ${'x'.repeat(2_044)}`, 'line too long (always.syntax)'],
  ['many short lines', 'NOOP\r\n'.repeat(1_000), undefined],
  ['12,288 octets of AUTH', `AUTH PLAIN ${'A'.repeat(12_277)}\r\n`, undefined],
  ['12,289 octets of AUTH', `AUTH PLAIN ${'A'.repeat(12_278)}\r\n`, 'line of a login too long (always.syntax)'],
] as const)('what a client sent is a command so far, or is refused: %s', (_name, octets, expected) => {
  expect(text(octets)).toBe(expected)
})

test('within a login the first line may be as long as a token', () => {
  expect(text(`${'A'.repeat(12_288)}\r\n`, true)).toBeUndefined()
  expect(faultIn(`${'A'.repeat(12_289)}\r\n`, true)?.reply).toMatchObject({ code: 500, status: '5.5.6' })
  expect(text(`AAAA\r\n${'A'.repeat(2_049)}\r\n`, true)).toBe('line too long (always.syntax)')
})

test('a fault is found wherever the octets were cut into segments', () => {
  const lines = new CommandLines(() => {})
  expect(lines.take('NOOP\r', false)).toBeUndefined()
  expect(lines.take('\nNOOP', false)).toBeUndefined()
  expect(lines.take('\n', false)?.reply.code).toBe(500)
  lines.forget()
})

test('what came behind the line that is carried out is known to wait, whether it is a whole line or the beginning of one', () => {
  const lines = new CommandLines(() => {})
  lines.take('DATA\r\n', false)
  lines.next()
  expect(lines.waiting).toBe(false)
  lines.take('DATA\r\nSubject: x\r\n', false)
  lines.next()
  expect(lines.waiting).toBe(true)
  lines.next()
  lines.take('DATA\r\nSub', false)
  lines.next()
  expect(lines.waiting).toBe(true)
  lines.forget()
})

test('octets that trickle in do not put off the deadline of a command', () => {
  vi.useFakeTimers()
  const tooSlow = vi.fn()
  const lines = new CommandLines(tooSlow)
  for (const octet of 'NOOP') {
    lines.take(octet, false)
    vi.advanceTimersByTime(14_000)
  }
  expect(tooSlow).not.toHaveBeenCalled()
  vi.advanceTimersByTime(4_000)
  expect(tooSlow).toHaveBeenCalledTimes(1)
  vi.useRealTimers()
})

test('a command that is complete has no deadline', () => {
  vi.useFakeTimers()
  const tooSlow = vi.fn()
  const lines = new CommandLines(tooSlow)
  lines.take('NO', false)
  lines.take('OP\r\n', false)
  vi.advanceTimersByTime(120_000)
  expect(tooSlow).not.toHaveBeenCalled()
  vi.useRealTimers()
})

test('a line that is kept keeps nothing else in memory that came with it (case R15)', () => {
  const lines = new CommandLines(() => {})
  const others = `NOOP ${'x'.repeat(2000)}\r\n`.repeat(30)
  const kept: (string | undefined)[] = []
  const before = liveBytes()
  for (let n = 0; n < 200; n++) {
    lines.take(Buffer.from(`RCPT TO:<someone.${n}@elsewhere.example>\r\n${others}`).toString('latin1'), false)
    kept.push(lines.next())
    for (let other = lines.next(); other !== undefined; ) other = lines.next()
  }
  expect(liveBytes() - before).toBeLessThan(1_000_000)
  expect(new Set(kept).size).toBe(200)
})

test('the beginning of a line, which a stranger may leave for a minute, keeps nothing else in memory that came with it (case R15)', () => {
  const others = `NOOP ${'x'.repeat(690)}\r\n`.repeat(90)
  const before = liveBytes()
  const sessions = Array.from({ length: 200 }, (_, n) => {
    const lines = new CommandLines(() => {})
    lines.take(Buffer.from(`${others}MAIL FROM:<someone.${n}@elsewhere`).toString('latin1'), false)
    while (lines.next() !== undefined);
    return lines
  })
  expect(liveBytes() - before).toBeLessThan(2_000_000)
  for (const lines of sessions) {
    expect(lines.waiting).toBe(true)
    lines.forget()
  }
})

test('short lines that wait take no more memory than the octets they came in, and none when the session is over (case R04)', () => {
  const octets = Buffer.from('ab\r\n'.repeat(16_000))
  const before = liveBytes()
  const sessions = Array.from({ length: 100 }, () => new CommandLines(() => {}))
  for (const lines of sessions) lines.take(octets.toString('latin1'), false)
  expect(liveBytes() - before).toBeLessThan(100 * 70_000)
  expect(sessions.map((lines) => [lines.next(), lines.next()])).toEqual(sessions.map(() => ['ab', 'ab']))
  for (const lines of sessions) lines.forget()
  expect(liveBytes() - before).toBeLessThan(1_000_000)
})

test.each([
  [
    'a token behind many short lines',
    `${'NOOP\r\n'.repeat(900)}AUTH PLAIN ${'A'.repeat(12_277)}\r\nNOOP\r\n`,
    undefined,
  ],
  ['two tokens', `AUTH PLAIN ${'A'.repeat(9_000)}\r\n`.repeat(2), undefined],
  [
    'a token that is too long',
    `NOOP\r\nAUTH PLAIN ${'A'.repeat(12_278)}\r\n`,
    'line of a login too long (always.syntax)',
  ],
  [
    'a line that is too long behind a token',
    `AUTH ${'A'.repeat(9_000)}\r\nNOOP ${'x'.repeat(2_044)}\r\n`,
    'line too long (always.syntax)',
  ],
  [
    'a line that is too long behind many short ones',
    `${'\r\n'.repeat(5_000)}NOOP ${'x'.repeat(2_044)}`,
    'line too long (always.syntax)',
  ],
  [
    'a line of the greatest length behind many short ones',
    `${'\r\n'.repeat(5_000)}NOOP ${'x'.repeat(2_043)}\r`,
    undefined,
  ],
] as const)('the length of each line is judged by itself: %s', (_name, octets, expected) => {
  expect(text(octets)).toBe(expected)
})
