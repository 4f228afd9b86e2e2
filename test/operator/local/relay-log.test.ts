import { existsSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { RelayLog } from '../../../operator/local/relay-log.ts'
import { temporaryFolder } from './temporary.ts'

test('lines are kept in order, and the two files stay within their bound', () => {
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

test('a log that is there already is continued, its size counted', () => {
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

test('a disk that takes nothing takes nobody down', () => {
  const log = new RelayLog('/dev/full')
  log.write('lost')
  expect(() => log.flush()).not.toThrow()
  expect(existsSync('/dev/full.1')).toBe(false)
})
