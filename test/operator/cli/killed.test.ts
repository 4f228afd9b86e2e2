/** Local mode that is killed or interrupted leaves no relay behind. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { temporaryFolder } from '../../local/temporary.ts'
import { until } from '../../local/until.ts'
import { cli } from '../../shipped.ts'
import { alive } from '../local/alive.ts'
import { quickstart } from '../local/quickstart.ts'

/** The real command, in a process of its own that can be killed. */
function relayfleetLocal(directory: string, state: string) {
  const child = spawn(process.execPath, [cli, 'local', directory, '--state', state], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let out = ''
  child.stdout.on('data', (chunk: Buffer) => {
    out += chunk
  })
  const exited = once(child, 'exit').then(([code]) => code as number | null)
  onTestFinished(async () => {
    child.kill('SIGKILL')
    await exited
  })
  return { child, exited, until: (shows: RegExp) => until(`the output shows ${shows}`, () => shows.test(out)) }
}
const ready = /^RelayCredential team-a\/web +ready/m

async function oneFleet() {
  const { directory, port } = await quickstart()
  const state = join(temporaryFolder(), 'state')
  const pid = (): number => JSON.parse(readFileSync(join(state, 'mail/fleets/shared/endpoints.json'), 'utf8')).pid
  return { directory, state, port, pid }
}

test('when the operator is killed its relay ends too, and the next operator starts the same fleet again', async () => {
  const { directory, state, port, pid } = await oneFleet()
  const first = relayfleetLocal(directory, state)
  await first.until(ready)
  const orphan = pid()
  // A session is open, so that the relay has log lines to write to a parent that no longer reads them.
  const client = connect(port, '127.0.0.1')
  await once(client, 'data')
  first.child.kill('SIGKILL')
  await until('the relay of the killed process has ended', () => !alive(orphan))
  client.destroy()
  const second = relayfleetLocal(directory, state)
  await second.until(ready)
  second.child.kill('SIGTERM')
  expect(await second.exited).toBe(0)
})

test.each([
  'SIGINT',
  'SIGTERM',
] as const)('%s ends the operator and its relay, which says 421 to its clients, with exit code 0', async (signal) => {
  const { directory, state, port, pid } = await oneFleet()
  const { child, exited, until } = relayfleetLocal(directory, state)
  await until(ready)
  const relay = pid()
  const client = connect(port, '127.0.0.1')
  await once(client, 'data')
  child.kill(signal)
  const [farewell] = (await once(client, 'data')) as [Buffer]
  expect(farewell.toString()).toMatch(/^421 4\.3\.2 /)
  expect(await exited).toBe(0)
  expect(alive(relay)).toBe(false)
})
