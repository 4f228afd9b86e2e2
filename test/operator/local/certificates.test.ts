/** Local mode takes client certificates as a cluster does, and leaves a test message by certificate to its application. */

import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { stringify } from 'yaml'
import { clientCertificates } from '../../client-certificates.ts'
import { freePort } from '../../local/free-port.ts'
import { temporaryFolder } from '../../local/temporary.ts'
import { commanded } from '../cli/commanded.ts'
import { running } from './running.ts'
import { credential, domain, policy, yamlDirectory } from './yaml.ts'

test('a credential by certificate gets ready, send-test says that only its application has the certificate, and submit sends with --cert and --key', async () => {
  const { authorities, shown } = await clientCertificates()
  const port = await freePort()
  const mutual = await freePort()
  const caRef = { name: 'clients' }
  const metadata = { namespace: 'mail', name: 'clients' }
  const data = { 'ca.crt': authorities.authority.pem }
  const local = running(
    yamlDirectory({
      'policy.yaml': policy('shared', port, {
        listeners: [
          { name: 'submission', port, clientCertificates: { mode: 'Optional', caRef } },
          { name: 'mutual', port: mutual, clientCertificates: { mode: 'Required', caRef } },
        ],
      }),
      'clients.yaml': stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata, data }),
      'domain.yaml': domain(),
      'web.yaml': credential('web', 'shared'),
      'device.yaml': credential('device', 'shared', {
        type: 'ClientCertificate',
        clientCertificate: { caRef, subjectAltNames: { dnsNames: ['device.corp.example'] } },
      }),
    }),
  )
  await local.until('RelayCredential team-a/device', 'Ready', 'True')
  await expect(local.submit('team-a/device', 'app@example.org')).rejects.toThrow(
    'only its application has the certificate',
  )
  expect(await local.submit('team-a/web', 'app@example.org')).toMatchObject({ kind: 'accepted' })

  // Now with the folder of a ConfigMap, which has no password.
  const folder = temporaryFolder()
  const at = (file: string, text: string): string => {
    writeFileSync(join(folder, file), text)
    return join(folder, file)
  }
  const secret = local.state.secret('team-a', 'web')
  for (const key of ['host', 'port', 'uri', 'certificates']) at(key, readFileSync(join(secret, key), 'utf8'))
  at('username', 'device.team-a')
  const files = { cert: at('tls.crt', shown.deviceByDns.cert), key: at('tls.key', shown.deviceByDns.key) }
  const other = at('other.key', shown.chain.key)
  const from = ['--binding', folder, '--from', 'app@example.org', '--to', 'you@example.net']
  const sent = await commanded('submit', ...from, '--cert', files.cert, '--key', files.key)
  expect(sent).toMatchObject({ code: 0, out: expect.stringContaining('ACCEPTED') })
  expect(sent.out).not.toMatch(/client +AUTH/)
  expect(await commanded('submit', ...from)).toMatchObject({
    code: 2,
    err: expect.stringContaining('--cert and --key'),
  })
  expect(await commanded('submit', ...from, '--cert', files.cert)).toMatchObject({ code: 2 })
  expect(await commanded('submit', ...from, '--cert', files.cert, '--key', other)).toMatchObject({
    code: 2,
    err: expect.stringContaining('its own key'),
  })

  // Where a listener requires a certificate, it is shown beside the password.
  for (const key of ['username', 'password']) at(key, readFileSync(join(secret, key), 'utf8'))
  at('port', String(mutual))
  expect(await commanded('submit', ...from)).toMatchObject({ code: 1, out: expect.stringContaining('554') })
  const both = await commanded('submit', ...from, '--cert', files.cert, '--key', files.key)
  expect(both).toMatchObject({ code: 0, out: expect.stringMatching(/client +AUTH/) })
})
