/** Relayfleet in the race: one relay process with the configuration that the crash test uses. */
import { freePort } from '../test/local/free-port.ts'
import { accessTo, loadConfig, startRelay, writeRelay } from '../test/local/relay-process.ts'
import type { Contender, Setting } from './contender.ts'

export async function startRelayfleet({ folder, certificates, sink, trace }: Setting): Promise<Contender> {
  const listenPort = await freePort()
  const asked = loadConfig({ listenPort, smarthostPort: sink.port, maxConnections: 20 })
  // Every client of the bench has the same address.
  const config = { ...asked, limits: { ...asked.limits, connectionsPerClient: 2000 } }
  writeRelay(folder, config, certificates)
  const relay = await startRelay(folder, trace)
  return {
    name: 'Relayfleet',
    pid: relay.pid,
    access: accessTo(listenPort, certificates),
    stop: async () => {
      await relay.end('SIGTERM')
    },
  }
}
