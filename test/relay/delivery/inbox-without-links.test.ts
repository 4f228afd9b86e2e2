/** On a volume where no file can have two names, as with SMB and much of FUSE, captured mail is in whole files, too. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { capture } from '../../../relay/delivery/inbox.ts'
import { temporaryFolder } from '../../local/temporary.ts'
import { MemorySpool } from './memory-spool.ts'
import { envelope, hello } from './samples.ts'

const says = vi.hoisted(() => ({ code: '' }))

vi.mock(import('node:fs/promises'), async (original) => ({
  ...(await original()),
  // The kernel looks at the new name before it asks the file system.
  link: async (_from, to) => {
    const code = existsSync(String(to)) ? 'EEXIST' : says.code
    throw Object.assign(new Error(`${code}: link`), { code })
  },
}))

test.each([
  'EPERM',
  'ENOTSUP',
  'ENOSYS',
])('captured mail is in an inbox without hard links, and is not written over (%s)', async (code) => {
  says.code = code
  const directory = temporaryFolder()
  const spool = new MemorySpool()
  const message = envelope(hello)
  spool.put(message, hello)
  await capture(directory, spool, message, { octets: 0 })
  const [eml, json] = [join(directory, `${message.queueId}.eml`), join(directory, `${message.queueId}.json`)]
  expect(readFileSync(eml).equals(hello)).toBe(true)
  writeFileSync(json, 'as it was')
  await capture(directory, spool, message, { octets: 0 })
  expect(readdirSync(directory).map((name) => join(directory, name))).toEqual([eml, json])
  expect(readFileSync(json, 'utf8')).toBe('as it was')
})
