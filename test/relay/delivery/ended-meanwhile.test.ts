/** A new connection that ends while our own disk is waited for says nothing of the smarthost. */
import { expect, onTestFinished, test } from 'vitest'
import { createLookup } from '../../../relay/delivery/addresses.ts'
import { attempt } from '../../../relay/delivery/attempt.ts'
import { Pool } from '../../../relay/delivery/pool.ts'
import { wholeTurn } from '../../../relay/whole-turn.ts'
import { until } from '../../local/until.ts'
import { MemorySpool } from './memory-spool.ts'
import { allWithin } from './rig.ts'
import { envelope, hello, smarthost } from './samples.ts'
import { startSmarthost } from './smarthost.ts'

test.each([
  [1, 'delivered'],
  [2, 'deferred'],
])('case U17: of new connections that end while the disk holds up the file of open attempts, the first is no failure of the smarthost (%d end: %s)', async (ends, kind) => {
  const upstream = await startSmarthost()
  const gates = Array.from({ length: ends }, () => Promise.withResolvers<void>())
  let asked = 0
  const around = { lookup: createLookup(), deadlines: allWithin(20_000), noted: () => gates[asked++]?.promise }
  const target = { smarthost: smarthost('a', upstream.port), helloName: 'relay.example.org' }
  const pool = new Pool(target, around, { smarthostConnected: () => {} })
  onTestFinished(() => pool.destroy())
  const [spool, message] = [new MemorySpool(), envelope(hello)]
  spool.put(message, hello)
  const signer = { begin: () => ({ kind: 'asItIs' }) as const }
  const attempted = attempt(
    pool.connections(() => false),
    spool,
    signer,
    message,
    message.forwardPaths,
  )
  for (const [i, gate] of gates.entries()) {
    await until('the disk is waited for', () => asked === i + 1)
    upstream.dropAll()
    await until('the connection has ended', () => upstream.open() === 0)
    await wholeTurn()
    gate.resolve()
  }
  expect((await attempted).outcomes).toMatchObject([{ kind }])
  expect(upstream.received).toHaveLength(kind === 'delivered' ? 1 : 0)
})
