/** The log of a relay on this machine is kept in two files within a bound, and a full disk stops nothing. */
import { existsSync, readFileSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { RelayLog } from '../../../operator/local/relay-log.ts'
import { temporaryFolder } from '../../local/temporary.ts'
import { fill } from '../../relay/spool/fill.ts'
import { smallVolume, smallVolumesGiven } from '../../relay/spool/small-volume.ts'

test('the newest line is last, and both files stay within their bound', () => {
  const file = join(temporaryFolder(), 'fleet', 'relay.log')
  const log = new RelayLog(file, 100)
  for (let i = 0; i < 50; i += 1) {
    log.write(`line ${i} ${'x'.repeat(20)}`)
    log.flush()
  }
  expect(readFileSync(file, 'utf8')).toMatch(/line 49 x+\n$/)
  expect(statSync(file).size).toBeLessThanOrEqual(100)
  expect(statSync(`${file}.1`).size).toBeLessThanOrEqual(100)
})

test('a log that exists already is continued, and its size counts', () => {
  const file = join(temporaryFolder(), 'relay.log')
  const first = new RelayLog(file, 20)
  first.write('0123456789')
  first.flush()
  const second = new RelayLog(file, 20)
  second.write('abcdefghij')
  second.flush()
  expect(readFileSync(`${file}.1`, 'utf8')).toBe('0123456789\n')
  expect(readFileSync(file, 'utf8')).toBe('abcdefghij\n')
})

test('a full disk makes no write of the log throw', () => {
  const log = new RelayLog('/dev/full')
  log.write('lost')
  expect(() => log.flush()).not.toThrow()
  expect(existsSync('/dev/full.1')).toBe(false)
})

describe.runIf(smallVolumesGiven())('on a volume of 64 KiB', () => {
  test('of what a full disk takes only in part no line is begun, so that the next one is whole (case R14)', () => {
    const folder = smallVolume('size=64k')
    const filler = join(folder, 'filler')
    const log = new RelayLog(join(folder, 'relay.log'))
    log.write('before')
    log.flush()
    fill(filler)
    for (let n = 0; n < 300; n += 1) log.write('x'.repeat(99))
    log.flush()
    rmSync(filler)
    log.write('afterwards')
    log.flush()
    const lines = readFileSync(join(folder, 'relay.log'), 'utf8').split('\n')
    expect(lines.filter((line) => !/^(before|x{99}|afterwards|)$/.test(line))).toEqual([])
    expect(lines.slice(-2)).toEqual(['afterwards', ''])
  })
})
