/** The folders of a relay are on one medium, with their names, before mail goes into them. */
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { openSpool } from '../../../relay/spool/file-spool.ts'
import { temporaryFolder } from '../../local/temporary.ts'
import { listening } from './samples.ts'
import { smallVolumesGiven } from './small-volume.ts'
import { traceable } from './traceable.ts'

const moduleOf = (path: string): string => new URL(`../../../relay/${path}`, import.meta.url).pathname
const program = `
  const [, spoolFile, inboxFile, data] = process.argv
  const { openSpool } = await import(spoolFile)
  const { capture } = await import(inboxFile)
  const nothing = () => {}
  const events = { committed: nothing, forgotten: nothing, notDeleted: nothing, notStored: nothing, quarantined: nothing, recovered: nothing, spoolFault: nothing, spoolRecovered: nothing }
  const spool = await openSpool({ directory: data + '/spool', events })
  await capture(data + '/inbox', { content: () => [Buffer.from('hello')] }, { queueId: 'captured00', bytes: 5 }, { octets: 0 })
  await spool.close()
`

type Call = { readonly call: 'mkdir' | 'fsync'; readonly folder: string }

/** The calls by which a relay with this folder for its data makes folders and syncs them, in their order. */
function traced(data: string): readonly Call[] {
  const log = join(temporaryFolder(), 'calls')
  const node = [process.execPath, '--input-type=module', '-e', program]
  const files = [moduleOf('spool/file-spool.ts'), moduleOf('delivery/inbox.ts'), data]
  const { status, stderr } = spawnSync(
    'strace',
    ['-f', '-y', '-qq', '-e', 'trace=mkdir,fsync', '-o', log, ...node, ...files],
    {
      encoding: 'utf8',
      env: { ...process.env, UV_THREADPOOL_SIZE: '1', NODE_OPTIONS: '', NODE_DISABLE_COMPILE_CACHE: '1' },
    },
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
  test('the name of each folder that it makes is synced before it takes or captures mail (case S10)', () => {
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

  test('a later start syncs them, too, since the one that made them may have been killed before it did (case S10)', () => {
    const data = temporaryFolder()
    traced(data)
    const synced = syncedIn(traced(data))
    expect([data, join(data, 'spool')].filter((folder) => !synced.has(folder))).toEqual([])
  })
})

describe.each(['journal', 'large', 'quarantine'])('%s is a folder of the spool, and nothing else', (name) => {
  const open = (directory: string) => openSpool({ directory, events: listening().events })
  const kept = '0mwtzj8j000xkuc.eml'

  test('a link in its place is refused, and nothing in the folder that it leads to is touched (case S30)', async () => {
    const [directory, elsewhere] = [join(temporaryFolder(), 'spool'), temporaryFolder()]
    writeFileSync(join(elsewhere, kept), 'kept')
    mkdirSync(directory)
    symlinkSync(elsewhere, join(directory, name))
    const mend = `make it a folder of ${directory}, with what is in it`
    await expect(open(directory)).rejects.toThrow(
      `${join(directory, name)} is a link, and a start without it would lose mail: ${mend}`,
    )
    expect(readdirSync(elsewhere)).toEqual([kept])
  })

  test.runIf(smallVolumesGiven())(
    'a volume of its own is refused while it is there: a start without it would give its mail up (case S30)',
    async () => {
      const directory = join(temporaryFolder(), 'spool')
      await (await open(directory)).close()
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', join(directory, name)])
      onTestFinished(() => void execFileSync('umount', ['-l', join(directory, name)]))
      writeFileSync(join(directory, name, kept), 'kept')
      await expect(open(directory)).rejects.toThrow('is on another volume than the spool')
      expect(readdirSync(join(directory, name))).toEqual([kept])
    },
  )
})
