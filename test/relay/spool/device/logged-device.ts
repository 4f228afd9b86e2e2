/** A volume on a device that logs its writes and flushes, so that losses of power can be played afterwards. */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { python } from '../../../local/programs.ts'
import { until } from '../../../local/until.ts'
import { onTestFinished } from '../../../own-test.ts'
import { type FileSystem, makeImage, mountAt } from './file-systems.ts'

export type LoggedDevice = {
  /** Where the volume is mounted. */
  readonly folder: string
  /** What the device held before anything was logged. */
  readonly image: string
  readonly log: string
  /** Octets of the log now. */
  readonly at: () => number
  /** Unmounts the volume, and waits until the device has ended. */
  readonly detach: () => Promise<void>
}

/** All of its files are in the folder `within`, which it does not remove. */
export async function loggedDevice(fileSystem: FileSystem, within: string): Promise<LoggedDevice> {
  const [image, log] = [join(within, 'image'), join(within, 'log')]
  const [served, folder] = [join(within, 'device'), join(within, 'volume')]
  makeImage(fileSystem, image)
  writeFileSync(log, '')
  mkdirSync(served)
  const program = spawn(python, [join(import.meta.dirname, 'device.py'), image, log, served], { stdio: 'inherit' })
  const ended = once(program, 'exit')
  onTestFinished(async () => {
    for (const mounted of [folder, served]) spawnSync('umount', ['-l', mounted])
    program.kill('SIGKILL')
    if (program.exitCode === null && program.signalCode === null) await ended
  })
  const disk = join(served, 'disk')
  await until('the device is there', () => existsSync(disk), 20_000)
  const unmount = mountAt(folder, disk, fileSystem)
  const detach = async (): Promise<void> => {
    unmount()
    spawnSync('umount', [served])
    await ended
  }
  return { folder, image, log, at: () => statSync(log).size, detach }
}
