import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { temporaryFolder } from './samples.ts'
import { traceable } from './traceable.ts'

const moduleOf = (path: string): string => new URL(`../../../relay/${path}`, import.meta.url).pathname
const program = `
  const [, spoolFile, inboxFile, data] = process.argv
  const { openSpool } = await import(spoolFile)
  const { capture } = await import(inboxFile)
  const nothing = () => {}
  const events = { committed: nothing, forgotten: nothing, quarantined: nothing, recovered: nothing, spoolFault: nothing, spoolRecovered: nothing }
  const spool = await openSpool({ directory: data + '/spool', events })
  await capture(data + '/inbox', { content: () => [Buffer.from('hello')] }, { queueId: 'captured00', bytes: 5 })
  await spool.close()
`

type Call = { readonly call: 'mkdir' | 'fsync'; readonly folder: string }

/** How a relay with this folder for its data makes folders and syncs them, in its order. */
function traced(data: string): readonly Call[] {
  const log = join(temporaryFolder(), 'calls')
  const node = [process.execPath, '--input-type=module', '-e', program]
  const files = [moduleOf('spool/file-spool.ts'), moduleOf('delivery/inbox.ts'), data]
  const { status, stderr } = spawnSync(
    'strace',
    ['-f', '-y', '-qq', '-e', 'trace=mkdir,fsync', '-o', log, ...node, ...files],
    { encoding: 'utf8', env: { ...process.env, UV_THREADPOOL_SIZE: '1', NODE_OPTIONS: '' } },
  )
  expect([status, stderr]).toEqual([0, ''])
  const lines = readFileSync(log, 'utf8').matchAll(/ (mkdir|fsync)\((?:"([^"]+)", 0700|\d+<([^>]+)>)\) += 0$/gm)
  return [...lines].map(([, call, made, synced]) => ({
    call: call === 'mkdir' ? 'mkdir' : 'fsync',
    folder: made ?? synced ?? '',
  }))
}

const syncedIn = (calls: readonly Call[]): ReadonlySet<string> =>
  new Set(calls.filter(({ call }) => call === 'fsync').map(({ folder }) => folder))

describe.runIf(traceable())('the folders of a relay', () => {
  test('the name of each one that it makes is on the medium before it takes mail, or captures any (case S10)', () => {
    const data = join(temporaryFolder(), 'fleets', 'relay-0')
    const calls = traced(data)
    const made = calls.filter(({ call }) => call === 'mkdir').map(({ folder }) => folder)
    const ours = ['spool', 'spool/journal', 'spool/large', 'spool/quarantine', 'inbox']
    expect(made).toEqual([dirname(data), data, ...ours.map((name) => join(data, name))])
    const unsynced = made.filter((folder) => {
      const after = calls.slice(calls.findIndex((c) => c.call === 'mkdir' && c.folder === folder))
      return !syncedIn(after).has(dirname(folder))
    })
    expect(unsynced).toEqual([])
  })

  test('they are synced by a later start, too: the one that made them may have been killed before (case S10)', () => {
    const data = temporaryFolder()
    traced(data)
    const synced = syncedIn(traced(data))
    expect([data, join(data, 'spool')].filter((folder) => !synced.has(folder))).toEqual([])
  })
})
