/** Relayfleet in the race: one relay process as it ships, with the configuration that the crash test uses. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { bundleRelay } from '../test/local/bundle.ts'
import { freePort } from '../test/local/free-port.ts'
import { accessTo, loadConfig, senderDomain, startRelay, writeRelay } from '../test/local/relay-process.ts'
import { keyFiles, signingWith, type TestKey } from '../test/relay/delivery/signing-keys.ts'
import type { Contender, Setting } from './contender.ts'

export const startRelayfleet = (setting: Setting): Promise<Contender> => startSigning(setting, [])

/** Signs mail with `keys`; without a key it signs nothing. */
export async function startSigning(
  { folder, certificates, sink, trace }: Setting,
  keys: readonly TestKey[],
): Promise<Contender> {
  const listenPort = await freePort()
  const asked = loadConfig({ listenPort, smarthostPort: sink.port, maxConnections: 20 })
  // The limit for one address would refuse the bench, since all of its clients have the same one.
  const limits = { ...asked.limits, connectionsPerClient: 2000 }
  const signing = keys.length === 0 ? [] : [signingWith(senderDomain, keys)]
  const config = { ...asked, limits, signing }
  for (const [path, text] of Object.entries(keyFiles(keys))) {
    mkdirSync(dirname(join(folder, 'config', path)), { recursive: true })
    writeFileSync(join(folder, 'config', path), text)
  }
  writeRelay(folder, config, certificates)
  const relay = await startRelay(folder, trace, bundleRelay(join(folder, 'dist')))
  return {
    name: 'Relayfleet',
    pid: relay.pid,
    access: accessTo(listenPort, certificates),
    stop: async () => {
      await relay.end('SIGTERM')
    },
  }
}
