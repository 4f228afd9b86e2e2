/** A folder of a suite's own, and all that was started in it and has to be stopped in the end. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Document } from './documents.ts'
import { type Fleet, startFleet } from './fleet.ts'
import { type Receiver, type ReceiverOptions, startReceiver } from './receiver.ts'

export type Stage = {
  readonly folder: string
  receiver(options?: ReceiverOptions): Promise<Receiver>
  fleet(documents: readonly Document[]): Promise<Fleet>
  close(): Promise<void>
}

export function openStage(): Stage {
  const folder = mkdtempSync(join(tmpdir(), 'relayfleet-local-'))
  const started: { stop(): Promise<void> }[] = []
  let places = 0
  const place = (): string => {
    const own = join(folder, `${places++}`)
    mkdirSync(own)
    return own
  }
  const kept = <T extends { stop(): Promise<void> }>(thing: T): T => {
    started.push(thing)
    return thing
  }
  return {
    folder,
    receiver: async (options) => kept(await startReceiver(place(), options)),
    fleet: async (documents) => kept(await startFleet(place(), documents)),
    close: async () => {
      await Promise.all(started.map((thing) => thing.stop()))
      rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 })
    },
  }
}
