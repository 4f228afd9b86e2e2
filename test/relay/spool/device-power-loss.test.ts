/** Losses of power on real file systems: their own journals stand between the spool and the medium, which loses what was not flushed. */
import { spawn, spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { describe, expect, onTestFinished, test } from 'vitest'
import { openSpool } from '../../../relay/spool/file-spool.ts'
import { seededRandom } from '../../local/seeded-random.ts'
import { temporaryFolder } from '../../local/temporary.ts'
import type { LineAt } from './device/busy-life.ts'
import { type FileSystem, fileSystems, loggedDevicesGiven, mountAt, writeImage } from './device/file-systems.ts'
import { type LoggedDevice, loggedDevice } from './device/logged-device.ts'
import { type PowerLoss, powerLosses } from './device/power-losses.ts'
import { listening } from './samples.ts'
import { broken } from './scenario.ts'
import type { Trouble } from './telling.ts'

const long = process.env['RELAYFLEET_LONG'] === '1'
const seed = Number(process.env['RELAYFLEET_SEED'] ?? 20_261_130)
const [lines, losses] = long ? [20_000, 1000] : [1500, 20]
const program = join(import.meta.dirname, 'device/busy-life.ts')

type Lived = { readonly begins: number; readonly said: readonly LineAt[] }

/** Until so many lines were said; then it is killed, so that the device is not flushed once more. */
async function lived(device: LoggedDevice, how: 'synced' | 'unsynced', wanted: number): Promise<Lived> {
  const given = [program, join(device.folder, 'spool'), device.log, String(seed), how]
  const child = spawn(process.execPath, given, { stdio: ['ignore', 'pipe', 'inherit'] })
  let begins = 0
  const said: LineAt[] = []
  for await (const text of createInterface({ input: child.stdout })) {
    const fact: LineAt | { readonly begins: number } | Trouble = JSON.parse(text)
    if ('quarantined' in fact || 'fault' in fact) throw new Error(text)
    if ('begins' in fact) begins = fact.begins
    else said.push(fact)
    if (said.length === wanted) child.kill('SIGKILL')
  }
  return { begins, said }
}

/** The promises that the spool has broken after this loss of power, and what it says of damage. */
async function brokenAfter(loss: PowerLoss, { said }: Lived, fileSystem: FileSystem, within: string) {
  const [image, folder] = [join(within, 'image'), join(within, 'volume')]
  writeImage(image, loss.image)
  const unmount = mountAt(folder, image, fileSystem)
  const told = listening()
  const spool = await openSpool({ directory: join(folder, 'spool'), events: told.events })
  const promised = said.filter(({ at }) => at <= loss.at).map(({ line }) => line)
  const wrong = await broken(spool, promised)
  await spool.close()
  unmount()
  return [...wrong, ...told.lines.filter((line) => /^(quarantined|fault|no identity)/.test(line))]
}

async function broughtDown(fileSystem: FileSystem, how: 'synced' | 'unsynced', times: number) {
  const within = temporaryFolder()
  const device = await loggedDevice(fileSystem, within)
  const life = await lived(device, how, lines)
  const to = device.at()
  await device.detach()
  const room = temporaryFolder()
  onTestFinished(() => void spawnSync('umount', ['-l', join(room, 'volume')]))
  const found: { readonly where: string; readonly wrong: readonly string[]; readonly unflushed: number }[] = []
  for (const loss of powerLosses(device, { from: life.begins, to }, times, seededRandom(seed))) {
    const wrong = await brokenAfter(loss, life, fileSystem, room)
    const where = `seed ${seed}, at ${loss.at}, ${loss.luck} of ${loss.unflushed} writes`
    found.push({ where, wrong, unflushed: loss.unflushed })
  }
  return found
}

describe.runIf(loggedDevicesGiven())('a device that loses power', () => {
  test.each(fileSystems)('takes nothing that was acknowledged with it, under $name (case S10)', {
    timeout: 3_600_000,
  }, async (fileSystem) => {
    const found = await broughtDown(fileSystem, 'synced', losses)
    expect(found.filter(({ wrong }) => wrong.length > 0)).toEqual([])
    expect(found).toHaveLength(losses)
    expect(found.filter(({ unflushed }) => unflushed > 0).length).toBeGreaterThan(losses / 10)
  })

  test.each(fileSystems)('would be seen to lose mail without syncs, under $name', {
    timeout: 120_000,
  }, async (fileSystem) => {
    const found = await broughtDown(fileSystem, 'unsynced', 5)
    expect(found.filter(({ wrong }) => wrong.some((one) => one.endsWith('is lost'))).length).toBeGreaterThan(2)
  })
})
