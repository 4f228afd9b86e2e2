/** `send-test`, `inbox` and `quickstart` show a person a message on its way through a fleet in local mode, or why it was refused. */
import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { quickstart } from '../../../operator/cli/quickstart.ts'
import { terminalOn } from '../../../operator/cli/terminal.ts'
import { freePort } from '../../local/free-port.ts'
import { temporaryFolder } from '../../local/temporary.ts'
import { until } from '../../local/until.ts'
import { alive } from '../local/alive.ts'
import { quickstart as smallestFleet } from '../local/quickstart.ts'
import { running } from '../local/running.ts'
import { credential, domain, policy, writeYaml, yamlDirectory } from '../local/yaml.ts'
import { commanded } from './commanded.ts'

const portIsFree = (port: number): Promise<boolean> => {
  const server = createServer()
  return new Promise((resolve) => {
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}

async function runningFleet() {
  const { directory } = await smallestFleet()
  const local = running(directory)
  await local.until('RelayCredential team-a/web', 'Ready', 'True')
  return { directory, local, state: ['--state', local.state.root] }
}
const submission = ['--credential', 'team-a/web', '--to', 'you@example.net']

test('send-test prints the dialog without the password and follows the message into the inbox, where inbox list and show find it', async () => {
  const { local, state } = await runningFleet()
  const sent = await commanded('send-test', ...submission, '--from', 'app@example.org', ...state)
  expect(sent.code).toBe(0)
  expect(sent.out).toMatch(/^client {2}AUTH PLAIN \*\*\*\*$/m)
  expect(sent.out).toMatch(/^ +\(TLS: the certificate of the relay is verified\)$/m)
  expect(sent.out).not.toContain(readFileSync(join(local.state.secret('team-a', 'web'), 'password'), 'utf8'))
  const [, queueId = '', ...where] =
    /^CAPTURED {2}see it with: npx node operator\/cli\.ts inbox show (\S+) (\S+) (\S+)$/m.exec(sent.out) ?? []
  expect(queueId).not.toBe('')
  expect(where).toEqual(state)

  const listed = await commanded('inbox', 'list', ...state)
  expect(listed.out).toMatch(new RegExp(`^${queueId} .*<app@example.org> → you@example.net  Relayfleet test`))
  for (const which of [[queueId], []]) {
    const shown = await commanded('inbox', 'show', ...which, ...state)
    expect(shown.code).toBe(0)
    expect(shown.out).toContain('credential      team-a/web')
    expect(shown.out).toContain('This is a test message of relayfleet.')
  }
  const json = JSON.parse((await commanded('inbox', 'show', queueId, '-o', 'json', ...state)).out)
  expect(json).toMatchObject({ policy: 'mail/shared', envelope: { queueId } })
})

test('where the relay refuses the message, send-test prints the rule, its place and the mend, with exit code 1', async () => {
  const { directory, state } = await runningFleet()
  const { code, out } = await commanded('send-test', directory, ...submission, '--from', 'ceo@example.com', ...state)
  expect(code).toBe(1)
  expect(out).toMatch(/^REFUSED {2}at MAIL FROM: 550 5\.7\.1 .*\(senderRules\.envelopeFrom\)$/m)
  expect(out).toMatch(/^ {2}rule {3}senderRules\.envelopeFrom/m)
  expect(out).toMatch(/^ {2}place {2}.*policy\.yaml:\d+:\d+/m)
  expect(out).toMatch(/^ {2}mend {3}use a reverse-path/m)
})

test('where no relay listens, send-test says what to check, with exit code 3', async () => {
  const { local, state } = await runningFleet()
  await local.stop()
  const { code, out } = await commanded('send-test', ...submission, '--from', 'app@example.org', ...state)
  expect(code).toBe(3)
  expect(out).toMatch(/^NO VERDICT {2}.*ECONNREFUSED/m)
  expect(out).toContain('is relayfleet local running?')
})

test('where the smarthost is not reached, send-test prints DEFERRED and the reply, with exit code 1', async () => {
  const closed = await freePort()
  const directory = yamlDirectory({
    'policy.yaml': policy('shared', await freePort(), {
      recipients: { mode: 'Redirect', redirectTo: 'qa@example.net' },
      routes: [{ name: 'default', smarthosts: [{ name: 'away', host: '127.0.0.1', port: closed }] }],
    }),
    'domain.yaml': domain(),
    'credential.yaml': credential('web', 'shared'),
  })
  const local = running(directory)
  await local.until('RelayCredential team-a/web', 'Ready', 'True')
  const state = ['--state', local.state.root]
  const { code, out } = await commanded('send-test', ...submission, '--from', 'app@example.org', ...state)
  expect(code).toBe(1)
  expect(out).toMatch(/^DEFERRED {2}kept and tried again: 4\d\d 4\./m)
})

/** The output of `npm start` that the README shows. */
function transcript(): string {
  const [, shown = ''] = /`npm start` shows this[^`]*```\n(.*?)```/s.exec(readFileSync('README.md', 'utf8')) ?? []
  return shown
}

/** The lines without what differs from run to run, sorted, since the lines of a relay may come at any time. */
const linesOf = (text: string): readonly string[] => {
  const alike = text
    .replaceAll(/ --state \S+/g, '')
    .replaceAll(/\S+\/mail\/fleets\//g, 'STATE/')
    .replaceAll(/\b0m[a-z0-9]{13}\b/g, 'QUEUE-ID')
    .replaceAll(/[0-9a-f]{8}-[0-9a-f-]{27}@/g, 'ID@')
    .replaceAll(/(test )[0-9a-f]{8}$/gm, '$1HEX')
    .replaceAll(/\w{3}, \d+ \w{3} \d{4} [\d:]{8} \+0000/g, 'DATE')
  const lines = alike.split('\n').filter((line) => line !== '' && line.trim() !== '…')
  return [...new Set(lines)].toSorted()
}

// The only test on the port of the example itself: it runs what npm start runs.
test('quickstart goes from nothing to a captured message, prints what the README shows, and Ctrl-C ends all of it with exit code 0', async () => {
  await until('the port of the example is free', () => portIsFree(2525), 20_000)
  const state = join(temporaryFolder(), 'state')
  const child = spawn(process.execPath, ['operator/cli.ts', 'quickstart', '--state', state], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  let out = ''
  child.stdout.on('data', (chunk: Buffer) => {
    out += chunk
  })
  const exited = new Promise<number | null>((resolve) => child.once('exit', resolve))
  await until('the story is told', () => out.includes('Ctrl-C stops all of it.'), 20_000)
  expect(out).toMatch(/^RelayCredential team-a\/web +ready/m)
  expect(out).toMatch(/^CAPTURED /m)
  expect(out).toContain('This is a test message of relayfleet.')
  await until("the relay's line is shown", () => /^relay mail\/shared +captured /m.test(out), 20_000)
  const [story = '', next = ''] = out.split('\n\nIt keeps running.')
  const late = next.match(/^relay mail\/shared .*$/gm) ?? []
  expect(linesOf([story, ...late].join('\n'))).toEqual(linesOf(transcript()))
  const { pid } = JSON.parse(readFileSync(join(state, 'mail/fleets/shared/endpoints.json'), 'utf8'))
  child.kill('SIGINT')
  expect(await exited).toBe(0)
  expect(alive(pid)).toBe(false)
})

test('quickstart ends with exit code 1 where its message is refused, and does not show an earlier message in its place', async () => {
  const files = { 'policy.yaml': policy('shared', await freePort()), 'credential.yaml': credential('web', 'shared') }
  const directory = yamlDirectory({ ...files, 'domain.yaml': domain() })
  const state = join(temporaryFolder(), 'state')
  const told = async () => {
    let out = ''
    const interrupt = new AbortController()
    const write = (text: string) => {
      out += text
      if (text.startsWith('Ctrl-C stops all of it.')) interrupt.abort()
    }
    const terminal = terminalOn({ write }, { write }, false)
    return { code: await quickstart(directory, state, { terminal, signal: interrupt.signal }), out }
  }
  const captured = 'This is what the fleet captured:'
  expect(await told()).toMatchObject({ code: 0, out: expect.stringContaining(captured) })
  writeYaml(directory, { 'domain.yaml': domain({ domain: 'example.com' }) })
  const { code, out } = await told()
  expect(out).toMatch(/^REFUSED {2}at MAIL FROM: 550 5\.7\.1 /m)
  expect(out).not.toContain(captured)
  expect(code).toBe(1)
})
