/** A password is replaced under a running fleet on this machine: that of the Secret is always accepted, and the old one ends as it should. */
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import type { BindingSecret } from '../../../operator/local/binding-secret.ts'
import { boundCredential } from '../../../operator/local/bound-credential.ts'
import { readStatuses } from '../../../operator/local/status-file.ts'
import { submit } from '../../../operator/local/submit.ts'
import { testMessage } from '../../../operator/local/test-message.ts'
import { freePort } from '../../local/free-port.ts'
import { until } from '../../local/until.ts'
import { quickstart, web } from './quickstart.ts'
import { running } from './running.ts'
import { credential, policy, writeYaml } from './yaml.ts'

async function fleet(rotation: object = {}) {
  const { directory } = await quickstart({ rotation })
  const local = running(directory)
  await local.until(web, 'Ready', 'True')
  return { directory, local, ...reading(local) }
}

function reading(local: ReturnType<typeof running>) {
  const secret = (): BindingSecret => boundCredential(local.state, 'team-a/web').secret
  const mail = () => ({
    reversePath: 'app@example.org',
    forwardPaths: ['you@example.net'],
    content: testMessage('app@example.org', ['you@example.net'], new Date()),
  })
  return {
    secret,
    submitWith: async (its: BindingSecret): Promise<string> => (await submit(its, mail(), () => undefined)).kind,
    states: (): string => {
      const keys = readStatuses(local.state.statusFile).get(web)?.['keys'] as readonly { state: string }[] | undefined
      return keys?.map(({ state }) => state).join() ?? ''
    },
  }
}

const change = (directory: string, rotation: object): void =>
  writeYaml(directory, { 'credential.yaml': credential('web', 'shared', { rotation }) })

test('case A12: a changed trigger replaces the password; that in the Secret is accepted at any moment, and so is the old one', async () => {
  const { directory, local, secret, submitWith, states } = await fleet()
  const before = secret()
  change(directory, { trigger: 'now' })
  const kinds = new Set<string>()
  await until('there is another password', async () => {
    kinds.add(await submitWith(secret()))
    return secret().password !== before.password
  })
  kinds.add(await submitWith(secret()))
  expect([...kinds]).toEqual(['accepted'])
  await until('the former key retires', () => states() === 'Active,Retiring')
  await local.until(web, 'RotationPending', 'True')
  expect(await submitWith(before)).toBe('accepted')
  await local.until(web, 'RotationPending', 'True OldKeyInUse')
  expect(local.condition(web, 'RotationPending')).toContain('from 127.0.0.0/24; have that client read the Secret anew')
  expect(local.condition(web, 'Ready')).toMatch(/^True/)
})

test('case A12: while a relay hangs that has not told whether it accepts the new password, an edit of another object hands out none', async () => {
  const { directory, local, secret, states } = await fleet()
  const before = secret()
  const pid = local.pid('mail/shared')
  process.kill(pid, 'SIGSTOP')
  onTestFinished(() => void process.kill(pid, 'SIGCONT'))
  change(directory, { trigger: 'now' })
  await until('another password is made', () => states() === 'Pending,Active')
  writeYaml(directory, { 'other.yaml': policy('other', await freePort()) })
  await until('the edit is in force', () => existsSync(local.state.fleet('mail/other').configFile))
  expect(secret().password).toBe(before.password)
  process.kill(pid, 'SIGCONT')
  await until('there is another password', () => secret().password !== before.password)
})

test('a second trigger ends the first password, and a restart keeps the valid ones', async () => {
  const { directory, local, secret, submitWith, states } = await fleet()
  const first = secret()
  change(directory, { trigger: '1' })
  await until('the former key retires', () => states() === 'Active,Retiring')
  const second = secret()
  change(directory, { trigger: '2' })
  await until('there is a third password', () => secret().password !== second.password)
  await until('the first password is refused', async () => (await submitWith(first)) === 'refused')
  expect(await submitWith(second)).toBe('accepted')
  await local.stop()

  const again = running(directory, local.state.root)
  const now = reading(again)
  const third = now.secret()
  await until('the third password is accepted', async () => (await now.submitWith(third)) === 'accepted')
  expect([await now.submitWith(second), await now.submitWith(first)]).toEqual(['accepted', 'refused'])
  expect(now.secret().password).toBe(third.password)
})

test('case A12: without an overlap the old password is refused as soon as the Secret has the new one', async () => {
  const { directory, secret, submitWith, states } = await fleet()
  const leaked = secret()
  change(directory, { overlap: '0s', trigger: 'leaked' })
  await until('there is another password', () => secret().password !== leaked.password)
  await until('the leaked password is refused', async () => (await submitWith(leaked)) === 'refused')
  expect(await submitWith(secret())).toBe('accepted')
  await until('one key is left', () => states() === 'Active')
})

test.each<[string, (folder: string) => void]>([
  ['deleted', (folder) => rmSync(folder, { recursive: true })],
  ['emptied', (folder) => writeFileSync(join(folder, 'password'), '')],
])('a Secret that is %s during the overlap gets a new password, and the earlier passwords are still accepted', async (_name, harm) => {
  const { directory, local, secret, submitWith, states } = await fleet()
  const first = secret()
  change(directory, { trigger: '1' })
  await until('the former key retires', () => states() === 'Active,Retiring')
  const second = secret()
  harm(local.state.secret('team-a', 'web'))
  change(directory, { trigger: '1', overlap: '47h' })
  await until('two former keys retire', () => states() === 'Active,Retiring,Retiring')
  await until('the new password is accepted', async () => (await submitWith(secret())) === 'accepted')
  expect([await submitWith(second), await submitWith(first)]).toEqual(['accepted', 'accepted'])
})

test('a password that somebody wrote into the Secret is not accepted, and is replaced', async () => {
  const { directory, local, secret, submitWith } = await fleet()
  const { password } = secret()
  const file = join(local.state.secret('team-a', 'web'), 'password')
  writeFileSync(file, 'x'.repeat(43))
  change(directory, { overlap: '47h' })
  await until('the password is replaced', () => readFileSync(file, 'utf8') !== 'x'.repeat(43))
  expect(await submitWith({ ...secret(), password: 'x'.repeat(43) })).toBe('refused')
  expect([await submitWith(secret()), await submitWith({ ...secret(), password })]).toEqual(['accepted', 'accepted'])
})
