/** A relay's configuration in a folder, with all files that it names, as a Secret is mounted. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { printConfig, type RelayConfig } from '../../relay/config.ts'
import { makeCertificates } from '../certificates.ts'
import { temporaryFolder } from '../local/temporary.ts'
import { baseConfig } from './inbound/submission-under-test.ts'

const smarthost = { name: 'ses', host: 'localhost', port: 587, priority: 0, maxConnections: 1 } as const
export const config: RelayConfig = {
  ...baseConfig,
  listeners: baseConfig.listeners.map((l) => ({
    ...l,
    clientCertificates: { mode: 'Optional', caFile: 'ca/clients.crt' },
  })),
  routes: [
    {
      name: 'default',
      smarthosts: [{ ...smarthost, tls: { mode: 'StartTLS', caFile: 'ca/ca.crt' } }],
      retry: { scheduleMs: [1000], expireAfterMs: 60_000 },
    },
  ],
}

export async function written() {
  const folder = temporaryFolder()
  const { ca, cert, key } = await makeCertificates(['localhost'])
  const write = (files: Readonly<Record<string, string>>): void => {
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, path)), { recursive: true })
      writeFileSync(join(folder, path), text)
    }
  }
  write({ 'relay.json': printConfig(config), 'tls.crt': cert, 'tls.key': key, 'ca/ca.crt': ca, 'ca/clients.crt': ca })
  return { folder, write, ca, cert, key }
}
