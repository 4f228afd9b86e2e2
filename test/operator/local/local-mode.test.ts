/** `relayfleet local` turns a folder of YAML into running relays, follows each edit, and keeps fleets running through errors. */
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { capturedMail, contentOf } from '../../../operator/local/inbox.ts'
import { stateAt } from '../../../operator/local/state.ts'
import { readStatuses } from '../../../operator/local/status-file.ts'
import { configHash } from '../../../relay/config.ts'
import { freePort } from '../../local/free-port.ts'
import { everyFile, temporaryFolder } from '../../local/temporary.ts'
import { until } from '../../local/until.ts'
import { alive } from './alive.ts'
import { quickstart, shared, web } from './quickstart.ts'
import { running } from './running.ts'
import { credential, domain, policy, writeYaml } from './yaml.ts'

test('a folder becomes a running fleet, to which an application submits with its binding, and the message is captured', async () => {
  const { directory } = await quickstart()
  const local = running(directory)
  await local.until(web, 'Ready', 'True')
  const submission = await local.submit('team-a/web', 'app@example.org')
  expect(submission.kind).toBe('accepted')
  const [message] = await until('the message is captured', () => {
    const mail = capturedMail(local.state)
    return mail.length > 0 && mail
  })
  expect(message?.envelope).toMatchObject({ credential: 'team-a/web', reversePath: 'app@example.org' })
  expect(message && contentOf(message)).toContain('This is a test message')
  await local.stop()
  await expect(local.done).resolves.toBeUndefined()
})

test('Programmed is True with the hash of the configuration file on disk, which the relay reports', async () => {
  const { directory } = await quickstart()
  const local = running(directory)
  await local.until(shared, 'Programmed', 'True')
  const onDisk = configHash(readFileSync(local.state.fleet('mail/shared').configFile, 'utf8'))
  expect(readStatuses(local.state.statusFile).get(shared)).toMatchObject({ configHash: onDisk, replicas: 1 })
})

test('an edit is in force in less than a second, without a restart', async () => {
  const { directory } = await quickstart()
  const local = running(directory)
  await local.until(web, 'Ready', 'True')
  const pid = local.pid('mail/shared')
  expect(await local.submit('team-a/web', 'app@example.com')).toMatchObject({ kind: 'refused' })
  const before = performance.now()
  writeYaml(directory, { 'domain.yaml': domain({ domain: 'example.com' }) })
  await until(
    "the new domain's mail is taken",
    async () => (await local.submit('team-a/web', 'app@example.com')).kind === 'accepted',
  )
  expect(performance.now() - before).toBeLessThan(1000)
  expect(local.pid('mail/shared')).toBe(pid)
})

test('while the folder of the fleets can not be read that is told once, all stays as it is, and an edit is in force once it can', async () => {
  const { directory } = await quickstart()
  const local = running(directory)
  await local.until(web, 'Ready', 'True')
  const pid = local.pid('mail/shared')
  const fleets = join(local.state.root, 'mail', 'fleets')
  renameSync(fleets, `${fleets}.away`)
  symlinkSync(fleets, fleets)
  const told = () => local.tellings.flatMap((t) => (t.about === 'trouble' ? [t.text] : []))
  writeYaml(directory, { 'domain.yaml': domain({ domain: 'example.com' }) })
  await until('it is told', () => told().length > 0)
  rmSync(fleets)
  renameSync(`${fleets}.away`, fleets)
  await until(
    "the new domain's mail is taken",
    async () => (await local.submit('team-a/web', 'app@example.com')).kind === 'accepted',
  )
  expect(local.pid('mail/shared')).toBe(pid)
  expect(told()).toEqual([
    expect.stringMatching(/^the folder .*fleets can not be read: ELOOP.*; meanwhile all stays as it is$/),
  ])
})

test('a policy with an error keeps its fleet running, also over a restart, and its condition says what is wrong', async () => {
  const { directory, port } = await quickstart()
  const first = running(directory)
  await first.until(web, 'Ready', 'True')
  writeYaml(directory, { 'policy.yaml': policy('shared', port, { replicas: -1 }) })
  await first.until(shared, 'Ready', 'False Invalid')
  expect(await first.submit('team-a/web', 'app@example.org')).toMatchObject({ kind: 'accepted' })
  await first.stop()
  const second = running(directory, first.state.root)
  await until('mail is taken', async () => (await second.submit('team-a/web', 'app@example.org')).kind === 'accepted')
  expect(second.condition(shared, 'Ready')).toMatch(/^False Invalid: spec\.replicas/)
})

test('a deleted credential is removed from the relay at once, though the policy has an error', async () => {
  const { directory, port } = await quickstart()
  writeYaml(directory, { 'second.yaml': credential('batch', 'shared') })
  const local = running(directory)
  await local.until('RelayCredential team-a/batch', 'Ready', 'True')
  writeYaml(directory, { 'policy.yaml': policy('shared', port, { replicas: -1 }) })
  await local.until(shared, 'Ready', 'False Invalid')
  rmSync(join(directory, 'second.yaml'))
  const config = (): string => readFileSync(local.state.fleet('mail/shared').configFile, 'utf8')
  await until('the credential is out of the configuration', () => !config().includes('team-a/batch'))
  expect(config()).toContain('team-a/web')
  expect(await local.submit('team-a/web', 'app@example.org')).toMatchObject({ kind: 'accepted' })
})

test('a spool that was deleted while local mode was stopped is reported until a person accepts the new one (case S30)', async () => {
  const { directory, port } = await quickstart()
  const first = running(directory)
  await first.until(shared, 'Ready', 'True')
  const { statusFile } = first.state
  const spools = () => readStatuses(statusFile).get(shared)?.['spools'] as readonly { id: string; found?: string }[]
  const before = await until('the spool is known', () => spools()?.[0])
  expect(first.condition(shared, 'SpoolReset')).toMatch(/^undefined/)
  await first.stop()
  rmSync(first.state.fleet('mail/shared').spool, { recursive: true })
  const second = running(directory, first.state.root)
  await second.until(shared, 'SpoolReset', 'True SpoolReplaced')
  const found = spools()[0]?.found
  expect(second.condition(shared, 'SpoolReset')).toContain(`${found} in place of ${before.id}`)
  expect(JSON.stringify(second.tellings)).toContain(`relayfleet.dev/accept-spool=${found}`)
  await second.stop()
  // A restart does not make the lost spool forgotten.
  const third = running(directory, first.state.root)
  await until('the relay has answered again', () =>
    third.tellings.some((t) => t.about === 'object' && t.ref === shared && t.ready === 'True'),
  )
  expect(third.condition(shared, 'SpoolReset')).toMatch(/^True SpoolReplaced/)
  const accepted = policy('shared', port).replace(
    'metadata:',
    `metadata:\n  annotations: {relayfleet.dev/accept-spool: ${found}}`,
  )
  writeYaml(directory, { 'policy.yaml': accepted })
  await until('nothing is said of the spool any more', () =>
    third.condition(shared, 'SpoolReset').startsWith('undefined'),
  )
  expect(spools()).toEqual([{ name: 'shared-0', id: found }])
})

test('a file that is no YAML any more removes nothing, and its fleet runs on as Unread', async () => {
  const { directory } = await quickstart()
  const local = running(directory)
  await local.until(web, 'Ready', 'True')
  writeFileSync(join(directory, 'policy.yaml'), 'kind: [RelayPolicy\n')
  await until('the broken file is told', () => local.tellings.some((t) => t.about === 'text'))
  writeYaml(directory, { 'more.yaml': domain({ domain: 'example.com' }).replace('name: example-org', 'name: more') })
  await local.until('SenderDomain mail/more', 'Ready', 'True')
  expect(local.tellings.filter((t) => t.about === 'gone')).toEqual([])
  expect(local.condition(shared, 'Ready')).toMatch(/^Unknown Unread: .*policy\.yaml/)
  expect(local.condition(shared, 'Programmed')).toMatch(/^True/)
  expect(await local.submit('team-a/web', 'app@example.org')).toMatchObject({ kind: 'accepted' })
})

test('a deleted policy stops its relay and removes its secrets but not its spool, and runs again when it is back', async () => {
  const { directory, port } = await quickstart()
  const local = running(directory)
  await local.until(web, 'Ready', 'True')
  const pid = local.pid('mail/shared')
  rmSync(join(directory, 'policy.yaml'))
  await until('the relay has ended', () => !alive(pid))
  const fleet = local.state.fleet('mail/shared')
  await until('its configuration is gone', () => !existsSync(fleet.config))
  expect(existsSync(fleet.spool)).toBe(true)
  expect(everyFile(fleet.root).filter((f) => /relay\.json|tls\.key|last-good/.test(f))).toEqual([])
  writeYaml(directory, { 'policy.yaml': policy('shared', port) })
  await local.until(web, 'Ready', 'True')
})

test('a port that another program has is named in Programmed, and used as soon as it is free', async () => {
  const { directory, port } = await quickstart()
  const squatter = createServer()
  await new Promise<void>((resolve) => squatter.listen(port, '127.0.0.1', resolve))
  onTestFinished(() => void squatter.close())
  const local = running(directory)
  await local.until(shared, 'Ready', 'False ConfigurationRefused')
  expect(local.condition(shared, 'Programmed')).toMatch(/EADDRINUSE.*another program has the port/)
  expect(local.condition(web, 'Programmed')).toMatch(/^False PolicyNotProgrammed: RelayPolicy mail\/shared/)
  squatter.close()
  await local.until(shared, 'Ready', 'True', 20_000)
})

test('after a restart a policy is not told as ready before its relay has come up', async () => {
  const { directory, port } = await quickstart()
  const first = running(directory)
  await first.until(web, 'Ready', 'True')
  await first.stop()
  const other = createServer()
  await new Promise<void>((resolve) => other.listen(port, '127.0.0.1', () => resolve()))
  onTestFinished(() => void other.close())
  const again = running(directory, first.state.root)
  await again.until(shared, 'Ready', 'False ConfigurationRefused')
  const told = again.tellings.flatMap((t) => (t.about === 'object' && t.ref === shared ? [t] : []))
  // A relay that takes seconds to start on a busy machine is rightly told to give no answer before that.
  const ofRelay = told.filter(({ text }) => !text.startsWith('NoAnswer: '))
  expect(ofRelay.map(({ ready }) => ready)).toEqual(['False'])
  expect(told.some(({ ready }) => ready === 'True')).toBe(false)
})

test('a fleet that can not start does not delay an edit of another fleet', async () => {
  const { directory, port } = await quickstart()
  const squatter = createServer()
  const taken = await freePort()
  await new Promise<void>((resolve) => squatter.listen(taken, '127.0.0.1', resolve))
  onTestFinished(() => void squatter.close())
  writeYaml(directory, { 'other.yaml': policy('other', taken) })
  const local = running(directory)
  await local.until('RelayPolicy mail/other', 'Ready', 'False')
  await local.until(web, 'Ready', 'True')
  const before = performance.now()
  writeYaml(directory, { 'policy.yaml': policy('shared', port, { hostname: 'new.example.org' }) })
  const dialog: { readonly text: string }[] = []
  await until('the relay has its new name', async () => {
    await local.submit('team-a/web', 'app@example.org', dialog as never)
    return dialog.some((l) => l.text.includes('new.example.org'))
  })
  expect(performance.now() - before).toBeLessThan(1000)
})

test('replicas: 0 stops the relay, which Programmed tells, and replicas: 1 starts it again', async () => {
  const { directory, port } = await quickstart()
  const local = running(directory)
  await local.until(shared, 'Ready', 'True')
  const pid = local.pid('mail/shared')
  writeYaml(directory, { 'policy.yaml': policy('shared', port, { replicas: 0 }) })
  await local.until(shared, 'Programmed', 'False Stopped: spec.replicas is 0')
  await until('the relay has ended', () => !alive(pid))
  writeYaml(directory, { 'policy.yaml': policy('shared', port, { replicas: 1 }) })
  await local.until(shared, 'Programmed', 'True')
})

test('a relay that is killed is told and started again', async () => {
  const { directory } = await quickstart()
  const local = running(directory)
  await local.until(web, 'Ready', 'True')
  const pid = local.pid('mail/shared')
  process.kill(pid, 'SIGKILL')
  await until('the end of the relay is told', () =>
    local.tellings.some((t) => t.about === 'relay' && t.line.text.includes('signal SIGKILL')),
  )
  await until('mail is taken', async () => (await local.submit('team-a/web', 'app@example.org')).kind === 'accepted')
  // The relay listens before it writes the file that has its process id.
  await until('there is another process', () => local.pid('mail/shared') !== pid)
})

test('when a file is deleted, no other object is told as one that could not be read', async () => {
  const { directory } = await quickstart()
  const team = { from: 'Selector', selector: { matchLabels: { 'kubernetes.io/metadata.name': 'team-a' } } }
  writeYaml(directory, {
    'domain.yaml': domain({ allowedNamespaces: team }),
    'other.yaml': policy('other', await freePort()),
  })
  const local = running(directory)
  await local.until(web, 'Ready', 'True')
  rmSync(join(directory, 'other.yaml'))
  await until('it is told that the object is gone', () => local.tellings.some((t) => t.about === 'gone'))
  expect(local.tellings.filter((t) => t.about === 'object' && t.text.includes('could not be read'))).toEqual([])
})

test('files that could not be written are written as soon as that is possible, without an edit', async () => {
  const { directory } = await quickstart()
  const state = join(temporaryFolder(), 'state')
  const { root, config } = stateAt(state).fleet('mail/shared')
  mkdirSync(root, { recursive: true })
  writeFileSync(config, 'a file where the folder belongs')
  const local = running(directory, state)
  await local.until(shared, 'Programmed', 'False NotWritten')
  rmSync(config)
  await local.until(web, 'Ready', 'True')
})

test('statuses that could not be written are written as soon as that is possible, though nothing in them changes', async () => {
  const { directory } = await quickstart()
  const state = join(temporaryFolder(), 'state')
  const blocking = `${stateAt(state).statusFile}.tmp`
  mkdirSync(blocking, { recursive: true })
  const local = running(directory, state)
  const isTold = (about: 'object' | 'trouble', text: string): boolean =>
    local.tellings.some((t) => t.about === about && JSON.stringify(t).includes(text))
  await until('the trouble is told', () => isTold('trouble', 'status.yaml'))
  await until('the credential is told as ready', () => isTold('object', `"ref":"${web}","ready":"True"`))
  rmSync(blocking, { recursive: true })
  await local.until(web, 'Ready', 'True')
})

test('a relay starts with the configuration that it had where the newest one can not be written', async () => {
  const { directory, port } = await quickstart()
  const first = running(directory)
  await first.until(web, 'Ready', 'True')
  await first.stop()
  writeYaml(directory, { 'policy.yaml': policy('shared', port, { hostname: 'new.example.org' }) })
  const blocking = `${first.state.fleet('mail/shared').configFile}.tmp`
  mkdirSync(blocking)
  const again = running(directory, first.state.root)
  await again.until(shared, 'Programmed', 'False NotWritten')
  await until('mail is taken', async () => (await again.submit('team-a/web', 'app@example.org')).kind === 'accepted')
  rmSync(blocking, { recursive: true })
  await again.until(shared, 'Programmed', 'True')
})

test('a fleet for which there can be no folder stops no other one, and has it as soon as that is possible', async () => {
  const { directory } = await quickstart()
  const local = running(directory)
  await local.until(web, 'Ready', 'True')
  const { root } = local.state.fleet('mail/other')
  writeFileSync(root, 'a file where the folder belongs')
  writeYaml(directory, { 'other.yaml': policy('other', await freePort()) })
  await local.until('RelayPolicy mail/other', 'Programmed', 'False NotWritten')
  expect(local.condition(web, 'Ready')).toMatch(/^True/)
  rmSync(root)
  await local.until('RelayPolicy mail/other', 'Ready', 'True')
})

test('a second operator on the same state folder is refused with what to do, and the first one runs on', async () => {
  const { directory } = await quickstart()
  const first = running(directory)
  await first.until(shared, 'Ready', 'True')
  const second = running(directory, first.state.root)
  await expect(second.done).rejects.toThrow(/another relayfleet already works with .*--state/)
  expect(first.condition(shared, 'Ready')).toMatch(/^True/)
})

test.each([
  ['deleted', (root: string): void => rmSync(root, { recursive: true, force: true, maxRetries: 5 })],
  ['moved away', (root: string): void => renameSync(root, `${root}-before`)],
  ['free for another operator, as its lock was deleted', (root: string): void => rmSync(join(root, 'lock'))],
])('local mode ends with its relays, and says why, when its state folder is %s (case S21)', async (_how, act) => {
  const { directory } = await quickstart()
  const local = running(directory)
  await local.until(web, 'Ready', 'True')
  const pid = local.pid('mail/shared')
  act(local.state.root)
  await expect(local.done).rejects.toThrow(
    `${local.state.root}, or the lock in it, was deleted, moved or replaced while relayfleet worked with it`,
  )
  expect(alive(pid)).toBe(false)
})

test('a damaged authority ends local mode at once, with what to do', async () => {
  const { directory } = await quickstart()
  const root = join(temporaryFolder(), 'state')
  mkdirSync(join(root, 'ca'), { recursive: true })
  for (const file of ['ca.crt', 'ca.key']) writeFileSync(join(root, 'ca', file), 'damaged')
  await expect(running(directory, root).done).rejects.toThrow(
    /ca\.crt and .*ca\.key can not be used as the authority .*restore them/,
  )
})

test('an edit of another object does not rewrite the configuration of a fleet, nor tell anything of it', async () => {
  const { directory } = await quickstart()
  const state = join(temporaryFolder(), 'state')
  const local = running(directory, state)
  await local.until(web, 'Ready', 'True')
  const files = [local.state.statusFile, local.state.fleet('mail/shared').configFile]
  const before = files.map((f) => statSync(f).mtimeMs)
  const told = local.tellings.length
  writeYaml(directory, { 'policy.yaml': readFileSync(join(directory, 'policy.yaml'), 'utf8') })
  writeYaml(directory, { 'other.yaml': domain({ domain: 'example.com' }).replace('name: example-org', 'name: other') })
  await until('the other domain is ready', () => local.condition('SenderDomain mail/other', 'Ready').startsWith('True'))
  expect(statSync(files[1] ?? '').mtimeMs).toBe(before[1])
  const news = local.tellings.slice(told).flatMap((t) => (t.about === 'object' ? [t.ref] : []))
  expect(news).toEqual(['SenderDomain mail/other'])
})

test('of a relay that can not start, as for want of its spool, the condition says why, and not only that it has ended', async () => {
  const { directory } = await quickstart()
  const local = running(directory)
  await local.until(shared, 'Programmed', 'True')
  await local.stop()
  const { spool } = local.state.fleet('mail/shared')
  renameSync(join(spool, 'journal'), join(spool, 'journal.kept'))
  writeFileSync(join(spool, 'journal'), 'no folder')
  const again = running(directory, local.state.root)
  await again.until(shared, 'Programmed', 'False RelayNotRunning')
  expect(again.condition(shared, 'Programmed')).toContain(`exit code 1: relay: spool ${spool} cannot be made`)
})
