/** `status --state` shows the fleets of this machine from what local mode wrote and from what the relays say now. */
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { table } from '../../../operator/cli/table.ts'
import { boundCredential } from '../../../operator/local/bound-credential.ts'
import { submit } from '../../../operator/local/submit.ts'
import { temporaryFolder } from '../../local/temporary.ts'
import { quickstart } from '../local/quickstart.ts'
import { running } from '../local/running.ts'
import { commanded } from './commanded.ts'

async function runningFleet(ofCredential: object = {}) {
  const { directory, port } = await quickstart(ofCredential)
  const local = running(directory)
  await local.until('RelayCredential team-a/web', 'Ready', 'True')
  return { local, directory, port, state: ['--state', local.state.root] }
}

test('a running fleet is ready with exit code 0, and once local mode has ended it is an error with exit code 1', async () => {
  const { local, port, state } = await runningFleet()
  const { code, out } = await commanded('status', ...state, '-o', 'wide')
  expect(code).toBe(0)
  const lines = out.trimEnd().split('\n')
  expect(lines[1]).toMatch(
    new RegExp(`^mail/shared +True +1/1 +[0-9a-f]{12} +1/1 +0 +- +NonProduction +1 +127\\.0\\.0\\.1:${port}$`),
  )
  expect(lines.at(-1)).toMatch(/^ready: 1 of 1 policies/)

  await local.stop()
  const stopped = await commanded('status', ...state)
  expect(stopped.code).toBe(1)
  expect(stopped.out).toMatch(/^mail\/shared +False +0\/1 /m)
  expect(stopped.out).toMatch(/^ready: 0 of 1 policies/m)
  expect(stopped.out).toContain(
    `error: RelayPolicy mail/shared: its relay does not answer; is relayfleet local running with ${local.state.root}? (NoAnswer)`,
  )
  expect(stopped.out).toMatch(/^no relay answers, so this is what was last written; start relayfleet local/m)
})

test('a fleet of which it is unknown whether it is ready has no error, but exit code 3', async () => {
  const { local, directory, state } = await runningFleet()
  writeFileSync(join(directory, 'policy.yaml'), '')
  await local.until('RelayPolicy mail/shared', 'Ready', 'Unknown')
  const { code, out } = await commanded('status', ...state)
  expect(out).toMatch(/^mail\/shared +Unknown +1\/1 /m)
  expect(out).not.toContain('error: ')
  expect(code).toBe(3)
})

test('a relay that reports that it takes no mail is an error, though the written status does not say so', async () => {
  const { local, state } = await runningFleet()
  await local.stop()
  const said = { hash: 'h', ready: false, notReady: ['spool s: disk full'], queue: {} }
  const relay = createServer((_, response) => response.end(JSON.stringify(said)))
  await new Promise<void>((resolve) => relay.listen(0, '127.0.0.1', () => resolve()))
  onTestFinished(() => void relay.close())
  const { address, port } = relay.address() as AddressInfo
  writeFileSync(local.state.fleet('mail/shared').endpoints, JSON.stringify({ pid: 1, http: { address, port } }))
  const { code, out } = await commanded('status', ...state)
  expect(out).toContain('error: RelayPolicy mail/shared: its relay takes no mail now: spool s: disk full (NotReady)')
  expect(out).toMatch(/^mail\/shared +False +0\/1 /m)
  expect(out).toMatch(/^ready: 0 of 1 policies/m)
  expect(code).toBe(1)
})

test('a credential whose daily limit is used up is a warning and no error', async () => {
  const { local, state } = await runningFleet({ limits: { daily: 1 } })
  const { secret } = boundCredential(local.state, 'team-a/web')
  const mail = { reversePath: 'app@example.org', forwardPaths: ['b@example.net'] }
  await submit(secret, { ...mail, content: 'From: <app@example.org>\r\n\r\nhello\r\n' }, () => {})
  await local.until('RelayCredential team-a/web', 'QuotaApproaching', 'True')
  const { code, out } = await commanded('status', ...state)
  expect(out).toMatch(
    /^warning: RelayCredential team-a\/web QuotaApproaching: all 1 recipients of the day are used.* \(QuotaUsedUp\)$/m,
  )
  expect(code).toBe(0)
})

test('a misspelt policy is answered with the near one, with exit code 2', async () => {
  const { state } = await runningFleet()
  const { code, err } = await commanded('status', 'shard', ...state)
  expect([code, err]).toEqual([2, 'relayfleet: there is no RelayPolicy shard; did you mean shared?\n'])
})

test('a state folder that local mode never used has exit code 3', async () => {
  const { code, err } = await commanded('status', '--state', join(temporaryFolder(), 'state'))
  expect(code).toBe(3)
  expect(err).toContain('has relayfleet local run with this folder?')
})

test('the columns of a table are aligned', () => {
  expect(
    table([
      ['FLEET', 'PODS', 'WHY'],
      ['mail/shared', '2/2', ''],
      ['a/b', '10/12', 'a long story'],
    ]),
  ).toEqual(['FLEET         PODS    WHY', 'mail/shared   2/2', 'a/b           10/12   a long story'])
})
