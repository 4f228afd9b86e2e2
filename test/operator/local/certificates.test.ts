/** Local mode takes client certificates as a cluster does; a test message by one is its application's to send. */

import { expect, test } from 'vitest'
import { stringify } from 'yaml'
import { clientCertificates } from '../../client-certificates.ts'
import { running } from './running.ts'
import { credential, domain, freePort, policy, yamlDirectory } from './yaml.ts'

test('a credential by a certificate is ready when its relay knows it; who would send a test message by it is told how', async () => {
  const { authorities } = await clientCertificates()
  const port = await freePort()
  const caRef = { name: 'clients' }
  const metadata = { namespace: 'mail', name: 'clients' }
  const data = { 'ca.crt': authorities.authority.pem }
  const local = running(
    yamlDirectory({
      'policy.yaml': policy('shared', port, {
        listeners: [{ name: 'submission', port, clientCertificates: { mode: 'Optional', caRef } }],
      }),
      'clients.yaml': stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata, data }),
      'domain.yaml': domain(),
      'web.yaml': credential('web', 'shared'),
      'device.yaml': credential('device', 'shared', {
        type: 'ClientCertificate',
        clientCertificate: { caRef, subjectAltNames: { dnsNames: ['device.example.org'] } },
      }),
    }),
  )
  await local.until('RelayCredential team-a/device', 'Ready', 'True')
  await expect(local.submit('team-a/device', 'app@example.org')).rejects.toThrow('its certificate and key are its')
  expect(await local.submit('team-a/web', 'app@example.org')).toMatchObject({ kind: 'accepted' })
})
