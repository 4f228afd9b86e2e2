/** A spool keeps every promise when its process is killed at any call to the disk, and when any such call fails. */
import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { openSpool } from '../../../relay/spool/file-spool.ts'
import { temporaryFolder } from '../../local/temporary.ts'
import { messagesOf } from './contents.ts'
import { listening } from './samples.ts'
import { broken, type Line } from './scenario.ts'
import { traceable } from './traceable.ts'

/** Every call by which something may reach the disk, or leave it. */
const calls = ['pwrite64', 'pwritev', 'fdatasync', 'fsync', 'rename', 'unlink', 'ftruncate']
const program = new URL('./living.ts', import.meta.url).pathname
const long = process.env['RELAYFLEET_LONG'] === '1'

type Fact = Line | { readonly fault: string } | { readonly refused: string } | { readonly quarantined: string }

/** Plays the scenario in a process, with the faults that are injected. Its calls come from one thread, so that strace counts all in one row. */
function lived(directory: string, inject: readonly string[], log = '/dev/null') {
  // This does without --seccomp-bpf, with which strace 6.1 sends no signal after the first call.
  const traced = ['-f', '-o', log, '-e', `trace=${calls.join()}`, ...inject]
  const child = spawnSync('strace', [...traced, process.execPath, program, directory], {
    encoding: 'utf8',
    env: { ...process.env, UV_THREADPOOL_SIZE: '1', NODE_OPTIONS: '' },
  })
  const facts = child.stdout.split('\n').flatMap((line): Fact[] => (line === '' ? [] : [JSON.parse(line)]))
  return {
    killed: child.signal === 'SIGKILL' || child.status === 137,
    ended: child.status === 0,
    facts,
    lines: facts.filter((fact): fact is Line => 'queueId' in fact),
  }
}

async function opened(directory: string) {
  const told = listening()
  const spool = await openSpool({ directory, events: told.events })
  return { spool, quarantined: told.lines.filter((line) => line.startsWith('quarantined')) }
}

/** How often each call is made in a life without faults. */
function counted(): ReadonlyMap<string, number> {
  const log = join(temporaryFolder(), 'calls')
  // The first one may write a cache of compiled code when it ends, by calls that no later one makes.
  lived(temporaryFolder(), [])
  expect(lived(temporaryFolder(), [], log).ended).toBe(true)
  const made = readFileSync(log, 'utf8').matchAll(/^\d+ +(\w+)\(/gm)
  const counts = new Map<string, number>()
  for (const [, name = ''] of made) counts.set(name, (counts.get(name) ?? 0) + 1)
  return counts
}

/** Each call that a life makes: all of them, or every `step`-th. */
function moments(step: number): readonly { readonly call: string; readonly k: number; readonly times: number }[] {
  return [...counted()].flatMap(([call, times]) =>
    Array.from({ length: times }, (_, i) => ({ call, k: i + 1, times })).filter((_, i) => long || i % step === 0),
  )
}

describe.runIf(traceable())('a life of the spool', () => {
  test('keeps every promise when nothing happens', async () => {
    const directory = temporaryFolder()
    const { ended, lines, facts } = lived(directory, [])
    expect([ended, facts.length - lines.length]).toEqual([true, 0])
    const { spool, quarantined } = await opened(directory)
    expect([await broken(spool, lines), quarantined]).toEqual([[], []])
    expect((await messagesOf(spool)).map((m) => m.envelope.queueId)).toEqual(['second0000', 'third00000'])
    await spool.close()
  })

  test('keeps every promise when it is killed at any call to the disk (case S01)', { timeout: 900_000 }, async () => {
    const all = moments(2)
    expect(new Set(all.map((m) => m.call))).toEqual(new Set(calls.filter((c) => c !== 'ftruncate')))
    for (const { call, k, times } of all) {
      const directory = temporaryFolder()
      const { killed, ended, lines } = lived(directory, ['-e', `inject=${call}:signal=KILL:when=${k}`])
      // Batches vary a little from life to life, so the last calls of a kind may not come.
      expect(killed || (ended && k > times - 8), `${call} ${k}`).toBe(true)
      const { spool, quarantined } = await opened(directory)
      expect([await broken(spool, lines), quarantined], `${call} ${k} of ${times}`).toEqual([[], []])
      await spool.close()
      expect(readdirSync(join(directory, 'quarantine'))).toEqual([])
    }
    expect(all.length).toBeGreaterThan(20)
  })

  test('keeps every promise when any call to the disk fails (case S16)', { timeout: 900_000 }, async () => {
    const errors = ['EIO', 'ENOSPC']
    for (const [i, { call, k }] of moments(3).entries()) {
      for (const error of long ? errors : [errors[i % 2]]) {
        const directory = temporaryFolder()
        const { ended, lines, facts } = lived(directory, ['-e', `inject=${call}:error=${error}:when=${k}`])
        expect(ended, `${call} ${k} ${error}`).toBe(true)
        expect(facts.filter((fact) => 'quarantined' in fact)).toEqual([])
        const { spool, quarantined } = await opened(directory)
        expect([await broken(spool, lines), quarantined], `${call} ${k} ${error}`).toEqual([[], []])
        await spool.close()
      }
    }
  })

  test('is killed in the middle of mending a failed fdatasync, and keeps every promise (case S16)', async () => {
    let kills = 0
    for (let k = 2; k < 12; k += long ? 1 : 3) {
      const directory = temporaryFolder()
      const faults = [`inject=fdatasync:error=EIO:when=${k}`, 'inject=ftruncate:signal=KILL']
      const { killed, lines } = lived(
        directory,
        faults.flatMap((fault) => ['-e', fault]),
      )
      // A fdatasync of large content breaks no segment, so nothing is cut off.
      if (killed) kills += 1
      const { spool } = await opened(directory)
      expect(await broken(spool, lines), `fdatasync ${k}`).toEqual([])
      await spool.close()
    }
    expect(kills).toBeGreaterThan(1)
  })
})
