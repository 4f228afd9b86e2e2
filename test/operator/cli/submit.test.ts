/** `submit`: what an application does with its binding; where it comes to no verdict, what the binding lacks. */
import { cpSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { running } from '../local/running.ts'
import { temporaryFolder } from '../local/temporary.ts'
import { credential, domain, freePort, policy, yamlDirectory } from '../local/yaml.ts'
import { commanded } from './commanded.ts'

const message = ['--from', 'app@example.org', '--to', 'you@example.net']

test('a binding without certificates is told as what the certificate of the relay can not be verified by', async () => {
  const port = await freePort()
  const declared = `${policy('shared', port)}---\n${domain()}---\n${credential('web', 'shared')}`
  const local = running(yamlDirectory({ 'all.yaml': declared }))
  await local.until('RelayCredential team-a/web', 'Ready', 'True')
  const binding = join(temporaryFolder(), 'binding')
  cpSync(local.state.secret('team-a', 'web'), binding, { recursive: true })
  expect(await commanded('submit', '--binding', binding, ...message)).toMatchObject({ code: 0 })

  rmSync(join(binding, 'certificates'))
  const { code, out } = await commanded('submit', '--binding', binding, ...message)
  expect(code).toBe(3)
  expect(out).toContain('unable to verify the first certificate; the binding has no certificates')
  expect(out).not.toContain('Node')
})
