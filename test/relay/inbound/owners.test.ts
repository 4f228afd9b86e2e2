/** Whose turn it is that a session takes (case R15); what a turn is stands in `turns.test.ts`. */
import { once } from 'node:events'
import { createConnection } from 'node:net'
import { expect, test } from 'vitest'
import { type Owner, Turns } from '../../../relay/inbound/turns.ts'
import { banner, closers, logIn, talk } from './clients.ts'
import { MemorySpool } from './memory-spool.ts'
import { app, baseConfig, startSubmission } from './submission-under-test.ts'

class NotedTurns extends Turns {
  readonly owners: Owner[] = []

  override take(owner: Owner, work: () => void, laterMs?: number): void {
    this.owners.push(owner)
    super.take(owner, work, laterMs)
  }
}

async function stage(authFailures = baseConfig.authFailures) {
  const turns = new NotedTurns()
  const under = await startSubmission(new MemorySpool(), { ...baseConfig, authFailures }, undefined, undefined, turns)
  closers.push(() => under.submission.close(0))
  return { under, owners: turns.owners }
}

const own = '127.0.0.1'
const wrong = `AUTH PLAIN ${Buffer.from(`\0${app.username}\0wrong`).toString('base64')}`

test('a session is a stranger by its address, and its credential from its login on; who comes from there again is known', async () => {
  const { under, owners } = await stage()
  const [, socket] = await banner(under, 'submissions')
  await logIn(socket)
  expect(new Set(owners.map(({ rank, name }) => `${rank} ${name}`))).toEqual(new Set([`stranger ${own}`]))
  await talk(socket, 'NOOP')
  expect(owners.at(-1)).toEqual({ rank: 'credential', name: `apps/${app.username}` })
  const [, second] = await banner(under, 'submissions')
  await talk(second, 'EHLO x')
  expect(owners.at(-1)).toEqual({ rank: 'known', name: own })
})

test('an address that is locked out is a stranger again', async () => {
  const { under, owners } = await stage({ max: 1, perMs: 60_000, lockoutMs: 60_000 })
  const [, socket] = await banner(under, 'submissions')
  await logIn(socket)
  const [, second] = await banner(under, 'submissions')
  await talk(second, 'EHLO x', wrong, 'NOOP')
  expect(owners.at(-1)).toEqual({ rank: 'stranger', name: own })
})

test('a handshake takes a turn when the client has said hello, and nothing before', async () => {
  const { under, owners } = await stage()
  const silent = createConnection(under.port('submissions'), own)
  closers.push(() => void silent.destroy())
  await once(silent, 'connect')
  const [, socket] = await banner(under)
  await talk(socket, 'EHLO x')
  expect(owners).toHaveLength(1)
  silent.write('\x16\x03\x01')
  await expect.poll(() => owners.length).toBe(2)
})
