/** `submit` sends mail as an application does with its binding, and where it gets no verdict it says what the binding lacks or what the relay did. */
import { once } from 'node:events'
import { cpSync, rmSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { createServer } from 'node:tls'
import { expect, onTestFinished, test } from 'vitest'
import { submit } from '../../../operator/local/submit.ts'
import { makeCertificates, oddTwin } from '../../certificates.ts'
import { freePort } from '../../local/free-port.ts'
import { temporaryFolder } from '../../local/temporary.ts'
import { running } from '../local/running.ts'
import { credential, domain, policy, yamlDirectory } from '../local/yaml.ts'
import { commanded } from './commanded.ts'

const message = ['--from', 'app@example.org', '--to', 'you@example.net']

test('where the binding lacks the key certificates, the failed verification of the relay is explained by that', async () => {
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

/** Submits to a relay that closes the connection when this verb comes. */
async function submitted(chain: { readonly ca: string; readonly cert: string; readonly key: string }, verb: string) {
  const relay = createServer(chain, (client) => {
    client.write('220 relay.test ESMTP\r\n')
    client.on('data', (line) => {
      if (line.toString().startsWith(verb)) client.destroy()
      else
        client.write(line.toString().startsWith('AUTH') ? '235 2.7.0 ok\r\n' : '250-relay.test\r\n250 AUTH PLAIN\r\n')
    })
  }).listen(0, '127.0.0.1')
  onTestFinished(() => void relay.close())
  await once(relay, 'listening')
  const { port } = relay.address() as AddressInfo
  const binding = {
    host: '127.0.0.1',
    port,
    uri: 'smtps://127.0.0.1',
    username: 'web',
    password: 'pw',
    certificates: chain.ca,
  }
  const mail = {
    reversePath: 'app@example.org',
    forwardPaths: ['you@example.net'],
    content: 'From: <app@example.org>\r\n\r\n',
  }
  return submit(binding, mail, () => {})
}

const left = { kind: 'failed', why: expect.stringMatching(/closed/) }

test.each(['EHLO', 'AUTH', 'MAIL'])('a relay that closes the connection at %s is reported at once', async (verb) => {
  expect(await submitted(await makeCertificates(['127.0.0.1']), verb)).toMatchObject(left)
})

test('a relay whose certificate chain has a key on a curve that NIST has no name for does not crash the process (case T22)', async () => {
  const { ca, cert, key } = await makeCertificates(['127.0.0.1'])
  expect(await submitted({ ca, cert: `${cert}\n${await oddTwin(ca)}`, key }, 'MAIL')).toMatchObject(left)
})
