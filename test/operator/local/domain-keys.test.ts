/** What is wrong with the DKIM keys of a domain on this machine stops that domain's keys where they are, and nothing else. */
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import { signingKeyFile } from '../../../operator/compile/signing.ts'
import type { Ref } from '../../../operator/compile/snapshot.ts'
import { dkimKeyStatus } from '../../../operator/lifecycle/recorded-dkim-keys.ts'
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

test('a key is not retired while it can not be read whether a relay has it', () => {
  const state = stateAt(temporaryFolder())
  const directory = readDirectory(yamlDirectory({ 'a.yaml': domain({ dkim: { mode: 'Managed' } }) }), state.root)
  const old = { selector: 's1', algorithm: 'ed25519', publicKey: 'x', stage: 'Retiring', since: 0 } as const
  const statuses = new Map([
    ['SenderDomain mail/example-org' as Ref, { observedGeneration: 1, conditions: [], dkimKeys: [dkimKeyStatus(old)] }],
  ])
  const stage = () => {
    const places = { ...keyPlaces(directory, state, () => undefined), statuses }
    const its = localDomainKeys(declaredFacts(directory.objects).domains, places).get('mail/example-org')
    return its?.known.keys.find(({ selector }) => selector === 's1')?.stage
  }
  const { config } = state.fleet('mail/shared')
  const file = join(config, signingKeyFile('mail/example-org', old))
  mkdirSync(dirname(file), { recursive: true })
  symlinkSync(file, file)
  expect(stage()).toBe('Retiring')
  rmSync(file)
  expect(stage()).toBe('Retired')
  const fleets = dirname(dirname(config))
  rmSync(fleets, { recursive: true })
  symlinkSync(fleets, fleets)
  expect(stage).toThrow(`the folder ${fleets} can not be read`)
})

test('while the statuses can not be read, nothing is concluded about keys: their stages are nowhere else', () => {
  const state = stateAt(temporaryFolder())
  const directory = readDirectory(yamlDirectory({ 'a.yaml': domain({ dkim: { mode: 'Managed' } }) }), state.root)
  const places = () => keyPlaces(directory, state, () => undefined)
  expect(places().statuses.size).toBe(0)
  mkdirSync(state.statusFile)
  expect(places).toThrow(`${state.statusFile} is there and can not be read (EISDIR)`)
})
