/** The command line refuses wrong arguments with exit code 2 and what to write instead. */
import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readFileSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import { expect, onTestFinished, test, vi } from 'vitest'
import { execute } from '../../../operator/cli/program.ts'
import { temporaryFolder } from '../../local/temporary.ts'
import { commanded } from './commanded.ts'

const submission = ['--credential', 'team-a/web', '--from', 'a@example.org', '--to', 'b@example.net']
const quickstart = 'examples/quickstart'

test.each<[string, readonly string[], string]>([
  ['an unknown flag (case C08)', ['check', quickstart, '--bogus'], "unknown option '--bogus'"],
  ['an unknown verb', ['chek', quickstart], "unknown command 'chek'"],
  ['a misspelt verb', ['chek'], 'Did you mean check?'],
  ['no directory', ['render'], "missing required argument 'dir'"],
  ['one argument too many', ['check', quickstart, 'more'], 'too many arguments'],
  ['a directory that does not exist', ['local', '/nowhere'], '/nowhere does not exist; give the folder'],
  ['a file in place of a directory', ['render', 'package.json'], 'package.json is not a folder; give the folder'],
  [
    'a folder together with a cluster',
    ['check', quickstart, '--all-namespaces'],
    'examples/quickstart is about this machine and --all-namespaces about a cluster: give one of the two',
  ],
  [
    'a state folder together with a cluster',
    ['status', '--state', 'x', '-n', 'mail'],
    '--state is about this machine and --namespace about a cluster',
  ],
  ['an unknown output format', ['check', quickstart, '-o', 'xml'], 'Allowed choices are text, json'],
  ['no credential', ['explain', quickstart, '--from', 'a@b.example', '--to', 'c@d.example'], "'--credential"],
  ['a credential without a namespace', ['explain', quickstart, ...submission, '--credential', 'web'], 'NAMESPACE/NAME'],
  [
    'a credential that does not exist',
    ['explain', quickstart, ...submission, '--credential', 'team-b/web'],
    'there is no RelayCredential team-b/web in the directory; did you mean team-a/web?',
  ],
  ['a client that is no address', ['explain', quickstart, ...submission, '--client', 'here'], 'write an IP address'],
  [
    'two visible Froms',
    ['explain', quickstart, ...submission, '--header-from', 'a@b.example', '--message', 'x'],
    'give one of the two',
  ],
  [
    'a null reverse-path without a From',
    ['explain', quickstart, ...submission, '--from', '<>'],
    'add --header-from or --message',
  ],
  [
    'a recipient in brackets',
    ['send-test', quickstart, ...submission, '--to', '<b@example.net>'],
    '--to <b@example.net>: write the address alone',
  ],
  [
    'a recipient with a display name',
    ['explain', quickstart, ...submission, '--to', 'B <b@example.net>'],
    'the address alone',
  ],
  ['a reverse-path in brackets', ['explain', quickstart, ...submission, '--from', '<a@example.org>'], '--from <a@'],
  ['an empty state folder', ['local', quickstart, '--state', ''], '--state is empty; name a folder, or leave it out'],
  [
    'the folder of YAML files as the state folder',
    ['local', quickstart, '--state', './examples/../examples/quickstart/'],
    'is the folder of YAML files; name another, or leave it out',
  ],
  ['an empty state folder for status', ['status', '--state', ''], '--state is empty'],
  ['an empty state folder for send-test', ['send-test', ...submission, '--state='], '--state is empty'],
  [
    'a message file that does not exist',
    ['explain', quickstart, ...submission, '--message', '/nowhere'],
    'can not be read',
  ],
])('%s is reported, with exit code 2', async (_name, argv, says) => {
  const { code, out, err } = await commanded(...argv)
  expect(err).toContain(says)
  expect([code, out]).toEqual([2, ''])
})

test('send-test with a state folder where nothing runs has exit code 3, and says what to do', async () => {
  const state = join(temporaryFolder(), 'state')
  const { code, err } = await commanded('send-test', ...submission, '--state', state)
  expect(code).toBe(3)
  expect(err).toContain('is relayfleet local running with this folder?')
})

test('a captured message that does not exist has exit code 2, as docs/sre.md says', async () => {
  const { code, err } = await commanded('inbox', 'show', 'q1', '--state', temporaryFolder())
  expect(code).toBe(2)
  expect(err).toContain('there is no captured message q1')
})

test('an empty inbox is no error', async () => {
  const { code, out } = await commanded('inbox', '--state', temporaryFolder())
  expect(code).toBe(0)
  expect(out).toMatch(/^nothing was captured in /)
})

/** A state folder with these messages in an inbox, the oldest first; one without a subject has no content. */
function captured(
  ...messages: readonly { readonly queueId: string; readonly subject?: string; readonly reports?: object }[]
) {
  const state = temporaryFolder()
  const inbox = join(state, 'team-a', 'fleets', 'mail', 'inbox')
  mkdirSync(inbox, { recursive: true })
  const ordinary = { credential: 'team-a/web', reversePath: '', forwardPaths: ['b@example.net'], client: {} }
  for (const [acceptedAt, { subject, ...its }] of messages.entries()) {
    const envelope = { ...ordinary, acceptedAt, ...its }
    writeFileSync(join(inbox, `${its.queueId}.json`), JSON.stringify({ envelope }))
    if (subject !== undefined) writeFileSync(join(inbox, `${its.queueId}.eml`), `Subject: ${subject}\r\n\r\n`)
  }
  return { state, inbox }
}

test('inbox leaves out captured mail that lacks one of its two files, and files that are no mail, and lists the rest', async () => {
  const { state, inbox } = captured({ queueId: 'whole', subject: 'still here' }, { queueId: 'half' })
  writeFileSync(join(inbox, 'notes.json'), '{}')
  writeFileSync(join(inbox, 'notes.eml'), '')
  const { code, out, err } = await commanded('inbox', 'list', '--state', state)
  expect([code, out.trim().split('\n').length, err]).toEqual([0, 1, ''])
  expect(out).toContain('still here')
  const half = await commanded('inbox', 'show', 'half', '--state', state)
  expect([half.code, half.err]).toEqual([2, expect.stringContaining('there is no captured message half')])
})

test('inbox list reads headers one by one: neither a message that is deleted meanwhile nor one of 600 MiB keeps the others from being listed', async () => {
  const all = ['first', 'second', 'third'].map((queueId) => ({ queueId, subject: `the ${queueId}` }))
  const { state, inbox } = captured(...all)
  truncateSync(join(inbox, 'third.eml'), 600 * 1024 * 1024)
  const lines: string[] = []
  const out = (line: string): void => {
    lines.push(line)
    rmSync(join(inbox, 'second.eml'), { force: true })
  }
  const terminal = { out, err: out, style: (_style: unknown, text: string) => text }
  const code = await execute(['inbox', 'list', '--state', state], { terminal, signal: new AbortController().signal })
  expect([code, lines.map((line) => line.split('  ').at(-1))]).toEqual([0, ['the first', 'the third']])
})

test('inbox list decodes subjects, and shows their control characters escaped', async () => {
  const { state } = captured(
    { queueId: 'q0', subject: '=?utf-8?b?R3LDvMOfZQ==?= =?utf-8?q?_aus_K=C3=B6ln?=' },
    { queueId: 'q1', subject: '=?utf-8?q?a=1B=5B2Jb=0D=0Aq9?=' },
    { queueId: 'q2', subject: '=?x-none?q?a?=' },
  )
  const { out } = await commanded('inbox', 'list', '--state', state)
  const shown = out.trimEnd().split('\n')
  expect(shown.map((line) => line.split('  ').at(-1))).toEqual(['Grüße aus Köln', 'a\\x1b[2Jb q9', '=?x-none?q?a?='])
})

test('inbox show names for a captured DSN the message that it reports on, and no credential or client', async () => {
  const reports = { queueId: 'q0', forwardPaths: ['qa@example.net'] }
  const { state } = captured({ queueId: 'q1', subject: 'Undelivered', reports })
  const { out } = await commanded('inbox', 'show', 'q1', '--state', state)
  expect(out).toMatch(/^reports on +q0: qa@example\.net$/m)
  expect(out).not.toMatch(/^(?:credential|client) /m)
})

test('--version prints the version of the package', async () => {
  const { version } = JSON.parse(readFileSync(join(import.meta.dirname, '../../../package.json'), 'utf8')) as {
    version: string
  }
  expect(await commanded('--version')).toEqual({ code: 0, out: `${version}\n`, err: '' })
})

test('a name without its namespace is refused, in the words in which it was written', async () => {
  const { code, err } = await commanded('domain', 'check', 'corp', '-f', quickstart)
  expect([code, err]).toEqual([2, expect.stringContaining('the name corp: write NAMESPACE/NAME')])
})

test.each([
  [['check'], 'a folder: DIR'],
  [['explain', ...submission], 'a folder: DIR'],
  [['status'], 'local mode: --state DIR'],
  [['send-test', ...submission], 'mode: DIR, or --state'],
  [['domain', 'check'], 'a folder: -f DIR'],
  [['rotate', 'team-a/web'], 'a folder: -f DIR'],
  [['suspend', 'team-a/web'], 'a folder: -f DIR'],
])('where there is no cluster, %j says which argument makes it use this machine', async (argv, meant) => {
  vi.stubEnv('HOME', temporaryFolder())
  vi.stubEnv('KUBECONFIG', undefined)
  onTestFinished(() => void vi.unstubAllEnvs())
  const { code, err } = await commanded(...argv)
  expect([code, err]).toEqual([3, expect.stringContaining(meant)])
  expect(err).toContain('there is no cluster to talk to')
})

test.each([
  [['status']],
  [['inbox', 'list']],
  [['inbox', 'show']],
  [['send-test', ...submission]],
])('an unreadable state folder is reported with its error, not as an empty one: %j', async (argv) => {
  const loop = join(temporaryFolder(), 'loop')
  symlinkSync(loop, loop)
  const state = join(loop, 'state')
  const { code, err } = await commanded(...argv, '--state', state)
  expect([code, err]).toEqual([3, expect.stringContaining(`the state folder ${state} can not be read: ELOOP`)])
})

test.each([
  [['status']],
  [['inbox', 'list']],
  [['send-test', ...submission]],
])('a file in place of the state folder is reported as no directory, not as missing rights: %j', async (argv) => {
  const { code, err } = await commanded(...argv, '--state', 'package.json')
  expect([code, err]).toEqual([3, expect.stringContaining('package.json can not be read: ENOTDIR: not a directory')])
  expect(err).not.toContain('the right to')
})

test.each([
  [['check']],
  [['local']],
  [['render']],
  [['explain', ...submission]],
  [['rotate', 'team-a/web', '-f']],
  [['domain', 'check', '-f']],
  [['submit', '--from', 'a@example.org', '--to', 'b@example.net', '--binding']],
])('an unreadable folder is named, with its error and what to do: %j', async (argv) => {
  const loop = join(temporaryFolder(), 'loop')
  symlinkSync(loop, loop)
  const { code, out, err } = await commanded(...argv, loop)
  expect([code, out]).toEqual([3, ''])
  expect(err).toContain(`relayfleet: ${loop} can not be read: ELOOP`)
  expect(err).toContain('give this user the right to read it, or another folder')
})

test.each([
  [['explain', ...submission, '--credential', 'team-b/app']],
  [['rotate', 'team-b/app', '-f']],
  [['suspend', 'team-b/app', '-f']],
  [['domain', 'check', 'team-b/app', '-f']],
])('where an object is not found and a file could not be read, the file is named: %j', async (argv) => {
  const folder = temporaryFolder()
  const broken = join(folder, 'b.yaml')
  writeFileSync(broken, 'kind: [')
  const { code, err } = await commanded(...argv, folder)
  expect(code).toBe(2)
  expect(err).toContain(`it may be in ${broken}, which could not be read: relayfleet check tells why`)
})

test.each([
  [['render'], 'fleets: {}'],
  [['domain', 'check', '-f'], 'no SenderDomain'],
])('%j says that a file could not be read, with exit code 3', async (argv, says) => {
  const folder = temporaryFolder()
  const broken = join(folder, 'b.yaml')
  writeFileSync(broken, 'kind: [')
  const { code, out, err } = await commanded(...argv, folder)
  expect([code, out]).toEqual([3, expect.stringContaining(says)])
  expect(err).toContain(`${broken} could not be read: relayfleet check tells why`)
})

test.each([
  ['does not exist', undefined, 'does not exist; give the folder of the binding'],
  ['has a port that is no number', 'abc', 'port must be a number from 1 to 65535'],
  ['has a port that is too large', '99999', 'port must be a number from 1 to 65535'],
])('a binding that %s is refused with what it needs, before any connection is made', async (_name, port, says) => {
  const folder = join(temporaryFolder(), 'binding')
  const values = { host: '127.0.0.1', port, username: 'u', password: 'p', uri: 'smtp://u:p@127.0.0.1' }
  if (port !== undefined) {
    mkdirSync(folder)
    for (const [key, value = ''] of Object.entries(values)) writeFileSync(join(folder, key), value)
  }
  const { code, out, err } = await commanded(
    'submit',
    '--binding',
    folder,
    '--from',
    'a@b.example',
    '--to',
    'c@d.example',
  )
  expect(err).toContain(says)
  expect([code, out]).toEqual([2, ''])
})

test('--help lists every verb and every exit code', async () => {
  const { code, out } = await commanded('--help')
  expect(code).toBe(0)
  const verbs =
    'quickstart local check render explain status send-test submit receive inbox domain rotate suspend resume run'
  for (const verb of verbs.split(' ')) expect(out).toMatch(new RegExp(`^ {2}${verb} `, 'm'))
  for (const exit of [0, 1, 2, 3]) expect(out).toMatch(new RegExp(`^ {2}${exit} {2}\\S`, 'm'))
})

test.each([
  ['check'],
  ['explain'],
  ['render'],
  ['rotate'],
  ['run'],
  ['send-test'],
  ['status'],
  ['submit'],
  ['suspend'],
])('%s --help breaks its lines only where the terminal or a sentence ends', async (verb) => {
  const { out } = await commanded(verb, '--help')
  const [, description = ''] = out.split('\n\n')
  expect(description).toMatch(/^[A-Z]/)
  const lines = description.split('\n')
  const early = lines.filter((line, i) => {
    const [next = ''] = lines[i + 1]?.split(' ') ?? []
    return next !== '' && !line.endsWith('.') && `${line} ${next}`.length <= 80
  })
  expect(early).toEqual([])
})

test('render prints the configuration of a relay and its bindings', async () => {
  const { code, out } = await commanded('render', quickstart, '--state', temporaryFolder(), '-o', 'json')
  expect(code).toBe(0)
  expect(JSON.parse(out)).toMatchObject({
    fleets: { 'mail/shared': { kind: 'run', config: { policy: 'mail/shared' } } },
    bindings: { 'team-a/web': { host: '127.0.0.1', port: 2525 } },
  })
})

test('the exit code is that of the real process, too', () => {
  const run = (...argv: readonly string[]) =>
    spawnSync(process.execPath, ['operator/cli.ts', ...argv], { encoding: 'utf8' })
  expect(run('check', 'test/operator/cli/broken/misspelt-field').status).toBe(1)
  expect(run('--bogus').status).toBe(2)
  expect(run('check', quickstart)).toMatchObject({ status: 0, stderr: '' })
})

test('receive names the address at which it can not listen, with exit code 3', async () => {
  const holder = createServer().listen(0, '127.0.0.1')
  await once(holder, 'listening')
  onTestFinished(() => void holder.close())
  const at = `127.0.0.1:${(holder.address() as AddressInfo).port}`
  for (const listen of [at, '192.0.2.1:2526']) {
    const { code, err } = await commanded('receive', '--listen', listen)
    expect({ code, err }).toEqual({
      code: 3,
      err: expect.stringMatching(`^relayfleet: --listen ${listen}: listen EADDR`),
    })
  }
})

test('local mode ends with exit code 3 where the state folder can not be made', () => {
  const argv = ['operator/cli.ts', 'local', quickstart, '--state', '/proc/nobody/state']
  const { status, stderr } = spawnSync(process.execPath, argv, {
    encoding: 'utf8',
    timeout: 20_000,
    killSignal: 'SIGKILL',
  })
  expect(stderr).toMatch(/the state folder \/proc\/nobody\/state can not be used \((ENOENT|EACCES)/)
  expect(status).toBe(3)
})
