/** The file of counts keeps what still matters, and tells what it can not read or write. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openQuotaFile } from '../../../relay/limits/quota-file.ts'

const day = 20_782
let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'relayfleet-quota-file-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

function open() {
  const troubles: string[] = []
  const wall = () => day * 86_400_000
  return { file: openQuotaFile(join(folder, 'quotas'), (why) => troubles.push(why), { wall }), troubles }
}

test('a start keeps what was counted today and yesterday, and forgets what was before', async () => {
  const lines = [day - 2, day - 1, day].map((of, i) => `team/app-${i} ${of} ${7 + i}\n`)
  writeFileSync(join(folder, 'quotas'), lines.join(''))
  const { file } = open()
  await file.written
  expect(readFileSync(join(folder, 'quotas'), 'utf8')).toBe(lines.slice(1).join(''))
  await file.close()
})

test('a last line of the file that was cut short is reported, and the lines before it count', async () => {
  writeFileSync(join(folder, 'quotas'), `team/app ${day} 6\nteam/app ${day} 9\nteam/app ${day} 1`)
  const { file, troubles } = open()
  expect(file.get('team/app')).toEqual({ day, recipients: 9 })
  expect(troubles).toEqual([expect.stringContaining('1 lines can not be read')])
  await file.close()
})

test('a line of the file that is none of ours is reported, and the lines around it count', async () => {
  writeFileSync(join(folder, 'quotas'), `team/app ${day} 9\n\0\0\0\nteam/other ${day} 8\n`)
  const { file, troubles } = open()
  expect([file.get('team/app'), file.get('team/other')]).toEqual([
    { day, recipients: 9 },
    { day, recipients: 8 },
  ])
  expect(troubles).toEqual([expect.stringContaining('1 lines can not be read')])
  await file.close()
})

test('a file of counts that cannot be written is reported once, and the counts go on in memory', async () => {
  rmSync(folder, { recursive: true, force: true })
  const { file, troubles } = open()
  for (let i = 1; i < 5; i++) file.note('team/app', { day: 1, recipients: i })
  await file.written
  expect(troubles).toEqual([expect.stringContaining('ENOENT')])
  expect(file.get('team/app')).toEqual({ day: 1, recipients: 4 })
})
