/** A relay tells by its metrics that something else has filled its volume, and that there is room again. */
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { makeCertificates } from '../certificates.ts'
import { fill } from '../relay/spool/fill.ts'
import { smallVolume, smallVolumesGiven } from '../relay/spool/small-volume.ts'
import { freePort } from './free-port.ts'
import { loadConfig, startRelay, writeRelay } from './relay-process.ts'
import { until } from './until.ts'

describe.runIf(smallVolumesGiven())('on a volume of 64 MiB', () => {
  test('a relay whose volume somebody fills says by its metrics that it is full, though nobody submits (case S14)', async () => {
    const folder = smallVolume('size=64m')
    const [listenPort, smarthostPort] = [await freePort(), await freePort()]
    writeRelay(
      folder,
      loadConfig({ listenPort, smarthostPort, maxConnections: 1 }),
      await makeCertificates(['127.0.0.1']),
    )
    const relay = await startRelay(folder)
    onTestFinished(async () => void (await relay.end('SIGKILL')))
    expect(await relay.metric('relayfleet_ready')).toBe(1)

    const [room, capacity] = await Promise.all(
      ['relayfleet_spool_room_bytes', 'relayfleet_spool_capacity_bytes'].map(relay.metric),
    )
    expect(capacity).toBe(64 * 1024 * 1024)
    expect(Number(room) / Number(capacity)).toBeGreaterThan(0.8)

    const filler = join(folder, 'filler')
    fill(filler)
    await until('relayfleet_ready is 0', async () => (await relay.metric('relayfleet_ready')) === 0)
    expect(await relay.metric('relayfleet_spool_room_bytes')).toBe(0)
    rmSync(filler)
    await until('relayfleet_ready is 1 again', async () => (await relay.metric('relayfleet_ready')) === 1)
  })
})
