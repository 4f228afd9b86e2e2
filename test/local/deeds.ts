/** What the ordeal does to a relay and its surroundings while it works. A deed resolves when it is over and its damage is undone. */
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fill } from '../relay/spool/fill.ts'
import type { FickleHop } from './fickle-hop.ts'
import type { Victim } from './victim.ts'

export type Deed = readonly [name: string, deed: () => Promise<void>]

type World = {
  readonly victim: Victim
  readonly hops: readonly FickleHop[]
  /** Writes a different configuration for the relay. */
  readonly configure: () => void
  readonly random: () => number
  /** The mount point of a volume that may be filled; without it, none is. */
  readonly volume?: string
}

export const deedsOf = ({ victim, hops, configure, random, volume }: World): readonly Deed[] => [
  // Twice in the list, and so twice as often.
  ['configured', async () => configure()],
  ['configured', async () => configure()],
  [
    'killed',
    async () => {
      await victim.end('SIGKILL')
      if (random() < 0.3) await victim.killWhileStarting(random() * 400)
      await victim.start()
    },
  ],
  [
    'ended',
    async () => {
      await victim.end('SIGTERM')
      await victim.start()
    },
  ],
  [
    'paused',
    async () => {
      process.kill(victim.relay.pid, 'SIGSTOP')
      await sleep(random() * 800)
      process.kill(victim.relay.pid, 'SIGCONT')
    },
  ],
  [
    'hop away',
    async () => {
      const hop = hops[Math.floor(random() * hops.length)]
      await hop?.stop()
      await sleep(random() * 1500)
      await hop?.start()
    },
  ],
  ...(volume === undefined ? [] : [['full', () => fillFor(volume, random() * 1500)] as const]),
]

/** Leaves not an octet of room on the volume for a while. */
async function fillFor(volume: string, ms: number): Promise<void> {
  const filler = join(volume, 'filler')
  fill(filler)
  await sleep(ms)
  rmSync(filler)
}
