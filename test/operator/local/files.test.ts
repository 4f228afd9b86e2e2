/** A file that is replaced on a disk without enough room keeps its former content. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { replaceFile, replaceFiles } from '../../../operator/local/files.ts'
import { smallVolume, smallVolumesGiven } from '../../relay/spool/small-volume.ts'

describe.runIf(smallVolumesGiven())('on a volume of 64 KiB', () => {
  test.each([
    'durable',
    'derived',
  ] as const)('a content that does not fit leaves the former file and no part of itself (%s)', (keep) => {
    const path = join(smallVolume('size=64k'), 'relay.json')
    replaceFile(path, 'as it was', keep)
    expect(() => replaceFile(path, 'x'.repeat(200_000), keep)).toThrow('ENOSPC')
    expect(readFileSync(path, 'utf8')).toBe('as it was')
    // The part that was written must not take up room that other files need.
    expect(existsSync(`${path}.tmp`)).toBe(false)
    expect(replaceFile(path, 'y'.repeat(30_000), keep)).toBe(true)
  })

  test('of files that belong together none is replaced where one does not fit, and nothing of them is left', () => {
    const folder = smallVolume('size=64k')
    const [username, password] = [join(folder, 'username'), join(folder, 'password')]
    replaceFiles(new Map([username, password].map((path) => [path, 'as it was'])))
    const tooLarge = new Map([
      [username, 'new'],
      [password, 'x'.repeat(200_000)],
    ])
    expect(() => replaceFiles(tooLarge)).toThrow('ENOSPC')
    expect([username, password].map((path) => readFileSync(path, 'utf8'))).toEqual(['as it was', 'as it was'])
    expect(readdirSync(folder).toSorted()).toEqual(['password', 'username'])
  })
})
