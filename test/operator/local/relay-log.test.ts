/** The log of a relay on this machine is kept in two files within a bound, and a full disk stops nothing. */
import { existsSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { RelayLog } from '../../../operator/local/relay-log.ts'
import { temporaryFolder } from '../../local/temporary.ts'

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
