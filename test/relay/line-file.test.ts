/** A file with a line for each name, as for each credential's day, outlives any end of the process in whole lines, and takes no more room than it needs. */
import { execFileSync, spawnSync } from 'node:child_process'
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { openQuotaFile } from '../../relay/limits/quota-file.ts'
import { LineFile } from '../../relay/line-file.ts'
import { nodeDisk } from '../../relay/spool/disk.ts'
import { Silence } from '../../relay/spool/silence.ts'
import { temporaryFolder } from '../local/temporary.ts'
import { until } from '../local/until.ts'
import { fill } from './spool/fill.ts'
import { smallVolume, smallVolumesGiven } from './spool/small-volume.ts'
import { traceable } from './spool/traceable.ts'

const day = 20_785
const page = 4096

/** A process that starts: it begins with what is in the folder. */
async function opened(folder: string) {
  const path = join(folder, 'quotas')
  const troubles: string[] = []
  const file = openQuotaFile(path, (why) => troubles.push(why), { wall: () => day * 86_400_000 })
  await file.written
  return { file, path, troubles }
}
const lines = (path: string): readonly string[] => readFileSync(path, 'utf8').split('\n')

test('a last line without its line end is not believed, though it looks whole', async () => {
  const folder = temporaryFolder()
  writeFileSync(join(folder, 'quotas'), `shop/mailer ${day} 14000\nshop/mailer ${day} 1`)
  const { file, troubles, path } = await opened(folder)
  expect(file.get('shop/mailer')).toEqual({ day, recipients: 14_000 })
  expect(troubles).toEqual([expect.stringContaining('1 lines can not be read')])
  file.note('shop/other', { day, recipients: 5 })
  await file.written
  expect(lines(path)).toEqual([`shop/mailer ${day} 14000`, `shop/other ${day} 5`, ''])
})

describe.runIf(smallVolumesGiven())('a disk that becomes full in the middle of a line (case S14)', () => {
  /** A disk that is full but for the rest of the file's page: the next line about shop/mailer goes beyond that page by its last digits. */
  async function crossing() {
    const folder = smallVolume('size=1m')
    const begin = `shop/mailer ${day} 1`.length
    const end = page - begin
    const others: string[] = []
    const last = `shop/mailer ${day} 14000\n`
    const line = (i: number) => `team/app-${String(i).padStart(4, '0')} ${day} 100\n`
    while ((others.length + 2) * line(0).length + last.length < end) others.push(line(others.length))
    const text = others.join('') + last
    const padded = text.replace('team/app', `team/${'a'.repeat(end - text.length)}app`)
    writeFileSync(join(folder, 'quotas'), padded)
    const made = await opened(folder)
    expect(statSync(made.path).size).toBe(end)
    fill(join(folder, 'filler'))
    return { ...made, folder, unfilled: () => rmSync(join(folder, 'filler')) }
  }

  test('the line that was cut short is told, and is not believed after a kill', async () => {
    const { file, troubles, folder, unfilled } = await crossing()
    file.note('shop/mailer', { day, recipients: 14_900 })
    await file.written
    expect(troubles).toHaveLength(1)
    unfilled()
    expect((await opened(folder)).file.get('shop/mailer')).toEqual({ day, recipients: 14_000 })
  })

  test.each([
    ['at once', []],
    ['after two more notes', ['second', 'third']],
  ])('when there is room again %s, all that was noted meanwhile is in the file, each note in a line of its own', async (_when, others) => {
    const { file, troubles, folder, unfilled } = await crossing()
    file.note('shop/mailer', { day, recipients: 14_900 })
    await file.written
    for (const name of others) file.note(`shop/${name}`, { day, recipients: 7 })
    await file.written
    unfilled()
    file.note('shop/last', { day, recipients: 7 })
    await file.written
    expect(troubles).toHaveLength(1)
    const next = await opened(folder)
    expect(next.troubles).toEqual([])
    expect(next.file.get('shop/mailer')).toEqual({ day, recipients: 14_900 })
    for (const name of [...others, 'last']) expect(next.file.get(`shop/${name}`)).toEqual({ day, recipients: 7 })
  })
})

test('credentials that were counted on an earlier day are forgotten when the file is made anew; yesterday stays, since clocks differ at midnight', async () => {
  const folder = temporaryFolder()
  const { file, path } = await opened(folder)
  for (let back = 5; back >= 0; back--) file.note(`team/app-${back}`, { day: day - back, recipients: 1 })
  await file.written
  expect(lines(path)).toHaveLength(7)
  await file.close()
  expect(lines(path)).toEqual([`team/app-1 ${day - 1} 1`, `team/app-0 ${day} 1`, ''])
  appendFileSync(path, `team/app-9 ${day - 9} 1\n`)
  expect((await opened(folder)).file.get('team/app-9')).toBeUndefined()
  expect(lines(path)).toHaveLength(3)
})

describe.runIf(traceable())('the file is made anew at a start, when it has grown, and at an end', () => {
  const module = new URL('../../relay/limits/quota-file.ts', import.meta.url).pathname
  const program = `
    const [, module, path] = process.argv
    const { openQuotaFile } = await import(module)
    const file = openQuotaFile(path, (why) => { throw new Error(why) })
    await file.written
    for (let i = 0; i < 200_000; i++) file.note('preview/app-' + i, { day: ${day}, recipients: 1 })
    await file.written
    await file.close()
  `
  test('the new file is synced before it takes the place of the old one, and its folder after that (case S10)', () => {
    const folder = temporaryFolder()
    const path = join(folder, 'quotas')
    writeFileSync(path, `team/app ${day} 1\n`)
    const node = [process.execPath, '--input-type=module', '-e', program, module, path]
    const strace = ['-f', '-y', '-qq', '-e', 'trace=fsync,fdatasync,rename', '-o', join(folder, 'calls'), ...node]
    expect(
      spawnSync('strace', strace, {
        encoding: 'utf8',
        env: { ...process.env, NODE_OPTIONS: '', NODE_DISABLE_COMPILE_CACHE: '1' },
      }).stderr,
    ).toBe('')
    const calls = readFileSync(join(folder, 'calls'), 'utf8').matchAll(/ (f(?:data)?sync|rename)\((?:\d+<|")([^>"]+)/g)
    const once = [
      ['fdatasync', `${path}.tmp`],
      ['rename', `${path}.tmp`],
      ['fsync', folder],
    ]
    expect([...calls].map(([, call, file]) => [call, file])).toEqual([...once, ...once, ...once])
  })
})

test.runIf(traceable())(
  'a file that the disk gives out only when it is asked again is not set aside, and its counts stay (case A19)',
  () => {
    const folder = temporaryFolder()
    const path = join(folder, 'quotas')
    writeFileSync(path, `shop/mailer ${day} 14000\n`)
    const module = new URL('../../relay/limits/quota-file.ts', import.meta.url).pathname
    const program = `
    const [, module, path] = process.argv
    const { openQuotaFile } = await import(module)
    console.log(openQuotaFile(path, console.log).get('shop/mailer')?.recipients)
  `
    const fails = ['-P', path, '-e', 'inject=read,pread64:error=EIO:when=1']
    const node = [process.execPath, '--input-type=module', '-e', program, module, path]
    const calls = join(folder, 'calls')
    const env = { ...process.env, NODE_OPTIONS: '', NODE_DISABLE_COMPILE_CACHE: '1' }
    const { stdout } = spawnSync('strace', ['-f', '-qq', '-o', calls, ...fails, ...node], { encoding: 'utf8', env })
    expect(readFileSync(calls, 'utf8')).toContain('EIO (Input/output error) (INJECTED)')
    expect(stdout).toBe('14000\n')
  },
)

test('however many names there are, the file is made anew only when it has doubled', async () => {
  const folder = temporaryFolder()
  const name = (i: number) => `preview-${i}/mailer-of-the-application`
  writeFileSync(join(folder, 'quotas'), Array.from({ length: 95_000 }, (_, i) => `${name(i)} ${day} 1\n`).join(''))
  const { file, path } = await opened(folder)
  const { ino, size } = statSync(path)
  expect(size).toBeGreaterThan(4_500_000)
  for (const many of [3, 50_000]) {
    for (let i = 0; i < many; i++) file.note(name(i), { day, recipients: 2 })
    await file.written
    expect(statSync(path).ino).toBe(ino)
  }
  for (let i = 0; i < 50_000; i++) file.note(name(i), { day, recipients: 3 })
  await file.written
  expect(statSync(path).ino).not.toBe(ino)
  expect(statSync(path).size).toBeLessThan(size * 1.2)
  expect((await opened(folder)).file.get(name(7))).toEqual({ day, recipients: 3 })
})

test('while nothing can be written, 10,000 notes hold nobody up, and all of them are in the file once it can be written again (case S14)', async () => {
  const folder = temporaryFolder()
  const away = `${folder}-away`
  renameSync(folder, away)
  const { file, path, troubles } = await opened(folder)
  const name = (i: number) => `preview-${i}/mailer`
  const many = 10_000
  const begun = performance.now()
  for (let i = 0; i < many; i++) file.note(name(i), { day, recipients: 1 })
  await file.written
  expect(performance.now() - begun).toBeLessThan(3000)
  expect(troubles).toHaveLength(1)
  renameSync(away, folder)
  await until('the file is written again', async () => {
    file.note(name(0), { day, recipients: 2 })
    await file.written
    return existsSync(path)
  })
  expect(lines(path)).toHaveLength(many + 1)
  await file.close()
})

test('a disk that does not answer a write of the counts for a minute is told, since mail waits for that, too (case S20)', async () => {
  const [asked, hung] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  const create = async (path: string) => {
    asked.resolve()
    await hung.promise
    return nodeDisk.create(path)
  }
  const told: (string | undefined)[] = []
  const silence = new Silence('spool /data', (why) => told.push(why))
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  onTestFinished(() => void vi.useRealTimers())
  const path = join(temporaryFolder(), 'quotas')
  const form = { print: (name: string) => name, parse: () => undefined }
  const disk = { ...nodeDisk, create }
  const file = new LineFile<true>(path, form, expect.unreachable, { disk, during: (write) => silence.during(write) })
  await asked.promise
  vi.advanceTimersByTime(60_000)
  const why = 'spool /data: the disk has not answered a write for 60 s'
  expect(told).toEqual([why])
  hung.resolve()
  await file.written
  expect(told).toEqual([why, undefined])
  await file.close()
})

test('a pipe in the place of the file holds up no start, is told, and a file takes its place', async () => {
  const folder = temporaryFolder()
  execFileSync('mkfifo', [join(folder, 'quotas')])
  const { file, path, troubles } = await opened(folder)
  file.note('shop/mailer', { day, recipients: 1 })
  await file.written
  expect(lines(path)).toContain(`shop/mailer ${day} 1`)
  expect(troubles).toEqual([`${path}: it is no file`])
  await file.close()
})

test('a folder in the place of the file is set aside, each time under a name of its own', async () => {
  const folder = temporaryFolder()
  for (const names of [['quotas.unreadable'], ['quotas.unreadable', 'quotas.unreadable.1']]) {
    rmSync(join(folder, 'quotas'), { force: true })
    mkdirSync(join(folder, 'quotas'))
    const { file, troubles } = await opened(folder)
    expect(troubles).toEqual([expect.stringContaining('EISDIR')])
    await file.close()
    expect(readdirSync(folder).filter((name) => name.includes('unreadable'))).toEqual(names)
  }
})

test('a file that is larger than all notes together ever are is set aside unread, since it would take the memory that the mail needs (case S12)', async () => {
  const folder = temporaryFolder()
  writeFileSync(join(folder, 'quotas'), `shop/mailer ${day} 14000\n`)
  truncateSync(join(folder, 'quotas'), 100 * 1024 * 1024)
  const { file, path, troubles } = await opened(folder)
  expect(troubles).toEqual([expect.stringContaining('104857600 octets')])
  expect(statSync(`${path}.unreadable`).size).toBe(104_857_600)
  file.note('shop/mailer', { day, recipients: 1 })
  await file.close()
  expect(lines(path)).toEqual([`shop/mailer ${day} 1`, ''])
})
