/** What is wrong with the DKIM keys of a domain on this machine stops that domain's keys where they are, and nothing else. */
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import { declaredFacts } from '../../../operator/local/declared.ts'
import { readDirectory } from '../../../operator/local/directory.ts'
import { localDomainKeys } from '../../../operator/local/domain-keys.ts'
import { keyPlaces } from '../../../operator/local/facts.ts'
import { stateAt } from '../../../operator/local/state.ts'
import { temporaryFolder } from '../../local/temporary.ts'
import { domain, yamlDirectory } from './yaml.ts'

/** The keys of a managed domain with this in its folder. */
function keysWith(put: (folder: string) => void) {
  const state = stateAt(temporaryFolder())
  const folder = state.domainKeys('mail/example-org')
  put(folder)
  const directory = readDirectory(yamlDirectory({ 'a.yaml': domain({ dkim: { mode: 'Managed' } }) }), state.root)
  const places = keyPlaces(directory, state, () => undefined)
  return { folder, its: localDomainKeys(declaredFacts(directory.objects).domains, places).get('mail/example-org') }
}

test('a domain without a folder of keys gets keys', () => {
  const { its } = keysWith(() => undefined)
  expect(its?.known.found).toEqual([])
  expect(its?.make).not.toEqual([])
})

test.each([
  [
    'a key that is no key',
    (folder: string) => {
      mkdirSync(folder, { recursive: true })
      writeFileSync(join(folder, 's1.pem'), 'x')
    },
    's1.pem',
  ],
  // Reading a folder fails as a disk does, for root, too.
  ['a key that can not be read', (folder: string) => mkdirSync(join(folder, 's1.pem'), { recursive: true }), 'EISDIR'],
  [
    'a folder that can not be read',
    (folder: string) => {
      mkdirSync(dirname(folder), { recursive: true })
      symlinkSync(folder, folder)
    },
    'ELOOP',
  ],
])('%s is told, and no key is made or erased', (_what, put, why) => {
  const { folder, its } = keysWith(put)
  expect(its?.known.found).toMatchObject([{ type: 'ResolvedRefs', status: 'False', reason: 'KeySecretDamaged' }])
  const [said] = its?.known.found ?? []
  expect(said?.message).toContain(`${folder} can not be read: `)
  expect(said?.message).toContain(why)
  expect(its).toMatchObject({ make: [], erase: [], pems: [] })
})
