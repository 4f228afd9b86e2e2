/** GNU tar reads our archives, and nothing in them says when or where they were made. */
import { spawnSync } from 'node:child_process'
import { expect, test } from 'vitest'
import { type Entry, tar } from '../../image/tar.ts'

const entries: readonly Entry[] = [
  { path: 'etc/passwd', mode: 0o644, content: Buffer.from('nonroot\n') },
  { path: 'bin/run', mode: 0o755, content: Buffer.alloc(1025, 'x') },
  { path: 'home/nonroot/', mode: 0o700, owner: 65532 },
  { path: 'tmp/', mode: 0o1777 },
  { path: 'bin/empty', mode: 0o600, content: Buffer.alloc(0) },
]
const archive = Buffer.concat(tar(entries))

function gnuTar(...args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync('tar', args, { input: archive, encoding: 'utf8', env: { TZ: 'UTC' } })
  expect(stderr).toBe('')
  expect(status).toBe(0)
  return stdout
}

test('an archive is sorted, has the given owners and no times, and lists every folder before what is in it', () => {
  const listed = gnuTar('-tv', '--numeric-owner', '-f', '-').replaceAll(/ +/g, ' ').trim().split('\n')
  expect(listed).toEqual([
    'drwxr-xr-x 0/0 0 1970-01-01 00:00 bin/',
    '-rw------- 0/0 0 1970-01-01 00:00 bin/empty',
    '-rwxr-xr-x 0/0 1025 1970-01-01 00:00 bin/run',
    'drwxr-xr-x 0/0 0 1970-01-01 00:00 etc/',
    '-rw-r--r-- 0/0 8 1970-01-01 00:00 etc/passwd',
    'drwxr-xr-x 0/0 0 1970-01-01 00:00 home/',
    'drwx------ 65532/65532 0 1970-01-01 00:00 home/nonroot/',
    'drwxrwxrwt 0/0 0 1970-01-01 00:00 tmp/',
  ])
})

test('GNU tar extracts the contents that were put in', () => {
  expect(gnuTar('-xO', '-f', '-', 'bin/run')).toBe('x'.repeat(1025))
  expect(gnuTar('-xO', '-f', '-', 'etc/passwd')).toBe('nonroot\n')
})

test('the archive is the same whatever the order of its entries', () => {
  expect(Buffer.concat(tar(entries.toReversed())).equals(archive)).toBe(true)
})

test('a name of more than the 100 octets that a header has for it is refused', () => {
  expect(() => tar([{ path: 'a'.repeat(101), mode: 0o644 }])).toThrow('at most 100 octets')
})
