/** A file that is replaced on a disk without enough room keeps its former content. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { replaceFile } from '../../../operator/local/files.ts'
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
})
