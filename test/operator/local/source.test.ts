/** A folder of YAML gives a snapshot at once and one after each change, and what is missing for a moment counts as unread. */
import { mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test, vi } from 'vitest'
import { nameOf, type Snapshot } from '../../../operator/compile/snapshot.ts'
import { Dirty } from '../../../operator/dirty.ts'
import { writeBindingSecret } from '../../../operator/local/binding-secret.ts'
import { yamlSource } from '../../../operator/local/source.ts'
import { stateAt } from '../../../operator/local/state.ts'
import type { Telling } from '../../../operator/local/telling.ts'
import { verifierOf } from '../../../relay/config.ts'
import { FolderWatch } from '../../../relay/folder-watch.ts'
import { temporaryFolder } from '../../local/temporary.ts'
import { until } from '../../local/until.ts'
import { credential, domain, policy, writeYaml, yamlDirectory } from './yaml.ts'

/** Reads a source in the background, and keeps every snapshot that it gives. */
function reading(directory: string, state = stateAt(temporaryFolder())) {
  const ending = new AbortController()
  const snapshots: Snapshot[] = []
  const tellings: Telling[] = []
  const dirty = new Dirty()
  const source = yamlSource({
    ...{ directory, state, dirty },
    tell: (telling) => tellings.push(telling),
    look: () => undefined,
  })
  const done = (async () => {
    for await (const snapshot of source.snapshots(ending.signal)) snapshots.push(snapshot)
  })()
  onTestFinished(async () => {
    ending.abort()
    await done
  })
  const latest = (holds: (s: Snapshot) => boolean) => until('there is such a snapshot', () => snapshots.findLast(holds))
  return { source, snapshots, tellings, latest, end: () => ending.abort(), done, state }
}
const policies = (s: Snapshot): string => s.policies.map(nameOf).join()

test('there is a snapshot at the start, and another one after each change', async () => {
  const directory = yamlDirectory({ 'policy.yaml': policy('shared', 2525) })
  const { latest } = reading(directory)
  await latest((s) => policies(s) === 'mail/shared')
  writeYaml(directory, { 'teams/other.yaml': policy('other', 2526) })
  await latest((s) => policies(s).includes('mail/other'))
  writeYaml(directory, { 'teams/other.yaml': policy('third', 2526) })
  await latest((s) => policies(s).includes('mail/third'))
})

test('a hundred files written at once give a few snapshots, of which the last has all of them', async () => {
  const directory = yamlDirectory({})
  const { latest, snapshots } = reading(directory)
  await latest(() => true)
  for (let i = 0; i < 100; i += 1) writeYaml(directory, { [`${i}.yaml`]: policy(`p${i}`, 3000 + i) })
  await latest((s) => s.policies.length === 100)
  expect(snapshots.length).toBeLessThan(10)
})

test('what is written while the folder is read is seen like any other edit', async () => {
  const directory = yamlDirectory({ 'policy.yaml': policy('shared', 2525), 'teams/one.yaml': policy('one', 2526) })
  const { watch } = FolderWatch.prototype
  const watching = vi.spyOn(FolderWatch.prototype, 'watch')
  onTestFinished(() => watching.mockRestore())
  watching.mockImplementationOnce(function (this: FolderWatch, folders) {
    writeYaml(directory, { 'teams/late.yaml': policy('late', 2527) })
    watch.call(this, folders)
  })
  const { latest } = reading(directory)
  await latest((s) => policies(s).includes('mail/late'))
})

test('an edit is seen within 200 ms', async () => {
  const directory = yamlDirectory({ 'policy.yaml': policy('shared', 2525) })
  const { latest } = reading(directory)
  await latest(() => true)
  const before = performance.now()
  writeYaml(directory, { 'policy.yaml': policy('shared', 2526) })
  await latest((s) => s.policies[0]?.spec.listeners[0]?.port === 2526)
  expect(performance.now() - before).toBeLessThan(200)
})

test.each<[string, (file: string, text: string) => void]>([
  ['written over', writeFileSync],
  [
    'replaced',
    (file, text) => {
      writeFileSync(`${file}.new`, text)
      renameSync(`${file}.new`, file)
    },
  ],
])('each time that the file behind a link is %s, that is noticed', async (_name, edit) => {
  const file = join(yamlDirectory({ 'policy.yaml': policy('shared', 2525) }), 'policy.yaml')
  const directory = yamlDirectory({})
  symlinkSync(file, join(directory, 'linked.yaml'))
  const { latest } = reading(directory)
  await latest((s) => policies(s) === 'mail/shared')
  for (const port of [2526, 2527]) {
    edit(file, policy('shared', port))
    await latest((s) => s.policies[0]?.spec.listeners[0]?.port === port)
  }
})

test('a file that is empty for a moment counts as unread, not as deleted', async () => {
  const directory = yamlDirectory({ 'policy.yaml': policy('shared', 2525) })
  const { latest, snapshots } = reading(directory)
  await latest(() => true)
  writeFileSync(join(directory, 'policy.yaml'), '')
  await latest((s) => s.policies.length === 0)
  writeYaml(directory, { 'policy.yaml': policy('shared', 2526) })
  await latest((s) => s.policies[0]?.spec.listeners[0]?.port === 2526)
  for (const s of snapshots.filter((s) => s.policies.length === 0)) {
    expect(s.unread).toContain('RelayPolicy mail/shared')
  }
})

test('a file that stays away counts as deleted', async () => {
  const directory = yamlDirectory({ 'policy.yaml': policy('shared', 2525), 'domain.yaml': domain() })
  const { latest } = reading(directory)
  await latest(() => true)
  rmSync(join(directory, 'policy.yaml'))
  await latest((s) => s.policies.length === 0 && s.unread.length === 0)
})

test('a folder that goes away counts as unread, and is read again when it is back', async () => {
  const directory = join(temporaryFolder(), 'yaml')
  mkdirSync(directory)
  writeYaml(directory, { 'policy.yaml': policy('shared', 2525) })
  const { latest } = reading(directory)
  await latest(() => true)
  renameSync(directory, `${directory}.away`)
  await latest((s) => s.unread.includes(directory))
  mkdirSync(directory)
  writeYaml(directory, { 'policy.yaml': policy('shared', 2526) })
  await latest((s) => s.policies[0]?.spec.listeners[0]?.port === 2526)
})

test('a snapshot has the username and verifier of a binding, and no value of any Secret', async () => {
  const state = stateAt(temporaryFolder())
  const binding = { secretName: 'smtp', labels: {}, annotations: {}, username: 'web.team-a', host: '127.0.0.1' }
  const folder = state.secret('team-a', 'smtp')
  const rest = { port: 2525, scheme: 'smtp', issuedByOperator: true, fleet: 'mail/shared' } as const
  writeBindingSecret(folder, { ...binding, ...rest, rotation: { overlapMs: 1, trigger: '' } }, 'p'.repeat(43), 'CA')
  const directory = yamlDirectory({
    'credential.yaml': credential('web', 'shared', { secretTemplate: { name: 'smtp' } }),
    'ses.yaml':
      'apiVersion: v1\nkind: Secret\nmetadata: {name: ses, namespace: mail}\nstringData: {password: s3cret}\n',
  })
  const { latest } = reading(directory, state)
  const snapshot = await latest(() => true)
  const password = readFileSync(join(folder, 'password'), 'utf8')
  expect(snapshot.bindingKeys.get('team-a/web')).toMatchObject({
    username: 'web.team-a',
    keys: [{ verifier: verifierOf(password) }],
  })
  const text = JSON.stringify(snapshot, (_, value) => (value instanceof Map ? [...value] : value))
  expect(text).not.toContain(password)
  expect(text).not.toContain('s3cret')
  expect(text).not.toContain(Buffer.from('s3cret').toString('base64'))
})

test('a problem is told once and not at each read', async () => {
  const directory = yamlDirectory({ 'policy.yaml': policy('shared', 2525, { replicas: -1 }) })
  const { latest, tellings } = reading(directory)
  await latest((s) => s.invalid.length === 1)
  writeYaml(directory, { 'domain.yaml': domain() })
  await latest((s) => s.domains.length === 1)
  expect(tellings.map((t) => t.about)).toEqual(['text'])
})

test('the source ends with its signal', async () => {
  const { latest, end, done } = reading(yamlDirectory({}))
  await latest(() => true)
  end()
  await done
})
