/** The passwords of local mode are kept over a restart, made anew where they are lost, and are in no file but those of their Secret. */
import { existsSync, readFileSync, renameSync, rmSync, statSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { textOf } from '../../../operator/local/files.ts'
import { readStatuses } from '../../../operator/local/status-file.ts'
import { parseConfig } from '../../../relay/config.ts'
import { everyFile } from '../../local/temporary.ts'
import { until } from '../../local/until.ts'
import { shownIn } from '../../shown-secret.ts'
import { quickstart, web } from './quickstart.ts'
import { running } from './running.ts'
import { credential, policy, writeYaml } from './yaml.ts'

test('a deleted credential loses its Secret and its login, and has a new password when it is declared again', async () => {
  const { directory } = await quickstart()
  const local = running(directory)
  await local.until(web, 'Ready', 'True')
  const password = join(local.state.secret('team-a', 'web'), 'password')
  const before = readFileSync(password, 'utf8')
  rmSync(join(directory, 'credential.yaml'))
  await until('the password is gone', () => !existsSync(password))
  await until(
    'the credential is out of the configuration',
    () => !readFileSync(local.state.fleet('mail/shared').configFile, 'utf8').includes('team-a/web'),
  )
  writeYaml(directory, { 'credential.yaml': credential('web', 'shared') })
  await until('there is a password', () => existsSync(password))
  expect(readFileSync(password, 'utf8')).not.toBe(before)
  await until('mail is taken', async () => {
    const outcome = await local.submit('team-a/web', 'app@example.org').catch(() => undefined)
    return outcome?.kind === 'accepted'
  })
})

test('a deleted credential loses its password also while another one of its namespace can not be used, which keeps its own', async () => {
  const { directory } = await quickstart()
  const held = (policyName: string): void =>
    writeYaml(directory, { 'held.yaml': credential('held', policyName, { secretTemplate: { name: 'other' } }) })
  held('shared')
  const local = running(directory)
  const other = 'RelayCredential team-a/held'
  for (const ref of [web, other] as const) await local.until(ref, 'Ready', 'True')
  const passwordOf = (name: string) => textOf(join(local.state.secret('team-a', name), 'password'))
  const [before, kept] = [passwordOf('web'), passwordOf('other')]
  held('missing')
  await local.until(other, 'Accepted', 'False PolicyNotFound')
  rmSync(join(directory, 'credential.yaml'))
  await until('its password and its keys are gone', () => {
    return passwordOf('web') === undefined && !existsSync(local.state.keysFile('team-a/web'))
  })
  writeYaml(directory, { 'credential.yaml': credential('web', 'shared') })
  await local.until(web, 'Ready', 'True')
  expect(passwordOf('web')).not.toBe(before)
  held('shared')
  await local.until(other, 'Ready', 'True')
  expect(passwordOf('other')).toBe(kept)
})

test('a credential that asks for the Secret of another one does not get it, also if its name comes first, and that one keeps its login', async () => {
  const { directory } = await quickstart()
  const local = running(directory)
  await local.until(web, 'Ready', 'True')
  writeYaml(directory, { 'able.yaml': credential('able', 'shared', { secretTemplate: { name: 'web' } }) })
  const able = 'RelayCredential team-a/able'
  await until('the other one is judged', () => !local.condition(able, 'Accepted').startsWith('undefined'))
  expect(local.condition(able, 'Accepted')).toContain('False Conflicted')
  expect(local.condition(web, 'Accepted')).toContain('True Accepted')
  expect(await local.submit('team-a/web', 'app@example.org')).toMatchObject({ kind: 'accepted' })
})

test('a Secret has the same password under another name, also where two credentials exchange their names', async () => {
  const { directory } = await quickstart()
  const declare = (first: string, second: string): void =>
    writeYaml(directory, {
      'credential.yaml': `${credential('web', 'shared', { secretTemplate: { name: first } })}---\n${credential('able', 'shared', { secretTemplate: { name: second } })}`,
    })
  declare('one', 'two')
  const local = running(directory)
  const able = 'RelayCredential team-a/able'
  for (const ref of [web, able] as const) await local.until(ref, 'Ready', 'True')
  const loginIn = (name: string): string =>
    ['username', 'password'].map((key) => textOf(join(local.state.secret('team-a', name), key)) ?? '').join()
  const named = (ref: typeof web | typeof able): unknown => readStatuses(local.state.statusFile).get(ref)?.['binding']
  const [ofWeb, ofAble] = [loginIn('one'), loginIn('two')]

  declare('two', 'one')
  await until('the names are exchanged', () => loginIn('two') === ofWeb && loginIn('one') === ofAble)

  declare('three', 'one')
  await until('the status names the new one', () => JSON.stringify(named(web)) === '{"name":"three"}')
  expect([loginIn('three'), loginIn('two')]).toEqual([ofWeb, ','])
  const keys = readStatuses(local.state.statusFile).get(web)?.['keys'] as readonly unknown[]
  expect(keys, 'no other password was ever made').toHaveLength(1)
})

test('a credential with a Secret of its own that is renamed to that of another one does not get it, also if its name comes first', async () => {
  const { directory } = await quickstart()
  writeYaml(directory, { 'able.yaml': credential('able', 'shared') })
  const local = running(directory)
  const able = 'RelayCredential team-a/able'
  for (const ref of [web, able] as const) await local.until(ref, 'Ready', 'True')
  writeYaml(directory, { 'able.yaml': credential('able', 'shared', { secretTemplate: { name: 'web' } }) })
  await until('one of them is refused', () =>
    [web, able].some((ref) => local.condition(ref as typeof web, 'Accepted').startsWith('False Conflicted')),
  )
  expect(local.condition(web, 'Accepted')).toContain('True Accepted')
  expect(await local.submit('team-a/web', 'app@example.org')).toMatchObject({ kind: 'accepted' })
})

test('a credential that gets the Secret of one that was deleted gets another password', async () => {
  const { directory } = await quickstart()
  const first = running(directory)
  await first.until(web, 'Ready', 'True')
  await first.stop()
  const folder = first.state.secret('team-a', 'web')
  const before = readFileSync(join(folder, 'password'), 'utf8')
  rmSync(join(directory, 'credential.yaml'))
  writeYaml(directory, { 'able.yaml': credential('able', 'shared', { secretTemplate: { name: 'web' } }) })
  const second = running(directory, first.state.root)
  await second.until('RelayCredential team-a/able', 'Ready', 'True')
  expect(readFileSync(join(folder, 'username'), 'utf8')).toBe('able.team-a')
  expect(readFileSync(join(folder, 'password'), 'utf8')).not.toBe(before)
})

test('a lost password is made anew, and the relay accepts the new one', async () => {
  const { directory } = await quickstart()
  const first = running(directory)
  await first.until(web, 'Ready', 'True')
  await first.stop()
  rmSync(join(first.state.secret('team-a', 'web'), 'password'))
  const second = running(directory, first.state.root)
  await until('mail is taken', async () => {
    const outcome = await second.submit('team-a/web', 'app@example.org').catch(() => undefined)
    return outcome?.kind === 'accepted'
  })
})

test('while the record of its keys can not be read, a credential keeps the keys that its relay had', async () => {
  const { directory, port } = await quickstart()
  const local = running(directory)
  await local.until(web, 'Ready', 'True')
  const { configFile } = local.state.fleet('mail/shared')
  const accepted = () =>
    parseConfig(readFileSync(configFile, 'utf8')).credentials.map(({ name, keys }) => ({ name, keys }))
  const before = accepted()
  const edited = {
    admission: { credentials: { namespaces: { from: 'All' } }, limits: { recipientsPerMessage: 7 } },
  }
  for (const file of [local.state.keysFile('team-a/web'), join(local.state.secret('team-a', 'web'), 'password')]) {
    renameSync(file, `${file}.kept`)
    symlinkSync(file, file)
  }
  writeYaml(directory, { 'policy.yaml': policy('shared', port, edited) })
  await until(
    'the new limit is in the configuration',
    () => parseConfig(readFileSync(configFile, 'utf8')).limits.recipientsPerMessage === 7,
  )
  expect(accepted()).toEqual(before)
  expect(local.tellings).toContainEqual({ about: 'trouble', text: expect.stringContaining('can not be read (ELOOP)') })
})

test('a restart keeps the passwords, the authority and the certificates', async () => {
  const { directory } = await quickstart()
  const first = running(directory)
  await first.until(web, 'Ready', 'True')
  await first.stop()
  const { state } = first
  const kept = [
    join(state.secret('team-a', 'web'), 'password'),
    state.caKey,
    state.caCertificate,
    join(state.fleet('mail/shared').config, 'tls/submission/tls.crt'),
  ]
  const before = kept.map((f) => readFileSync(f, 'utf8'))
  const second = running(directory, state.root)
  await until('the credential is told as ready', () =>
    second.tellings.some((t) => t.about === 'object' && t.ref === web && t.ready === 'True'),
  )
  expect(kept.map((f) => readFileSync(f, 'utf8'))).toEqual(before)
})

test('case A17: no file but those of its Secret has a password, in any encoding, and only the owner may read secrets, configuration and authority', async () => {
  const { directory } = await quickstart()
  const local = running(directory)
  await local.until(web, 'Ready', 'True')
  const dialog: { readonly text: string }[] = []
  await local.submit('team-a/web', 'app@example.org', dialog as never)
  await local.stop()
  const secret = local.state.secret('team-a', 'web')
  const password = readFileSync(join(secret, 'password'), 'utf8')
  const elsewhere = everyFile(local.state.root).filter((f) => !f.startsWith(secret))
  expect(elsewhere.length).toBeGreaterThan(5)
  for (const file of elsewhere) expect(shownIn(readFileSync(file, 'latin1'), [password]), file).toEqual([])
  expect(dialog.length).toBeGreaterThan(0)
  expect(shownIn(JSON.stringify([dialog, local.tellings]), [password])).toEqual([])
  for (const file of everyFile(local.state.root).filter((f) => /\/(secrets|config|ca)\//.test(f))) {
    expect(statSync(file).mode & 0o077, file).toBe(0)
  }
})
