/** A file that others read is what it was or what it is to be, also where the disk has room for a part of it. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { replaceFile } from '../../../operator/local/files.ts'
import { smallVolume, smallVolumesGiven } from '../../relay/spool/small-volume.ts'

describe.runIf(smallVolumesGiven())('on a volume of 64 KiB', () => {
  test.each(['durable', 'derived'] as const)('what does not fit takes the place of nothing (%s)', (keep) => {
    const path = join(smallVolume('size=64k'), 'relay.json')
    replaceFile(path, 'as it was', keep)
    expect(() => replaceFile(path, 'x'.repeat(200_000), keep)).toThrow('ENOSPC')
    expect(readFileSync(path, 'utf8')).toBe('as it was')
    // What was written of it holds no room that others need.
    expect(existsSync(`${path}.tmp`)).toBe(false)
    expect(replaceFile(path, 'y'.repeat(30_000), keep)).toBe(true)
  })
})
