/**
 * A file with a line for each name, in random stories of a disk that fails, is full, loses power, and of processes that are killed: what
 * was written while the disk was well is there at the next start, and nothing is that was never noted.
 */
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { LineFile, type LineForm } from '../../relay/line-file.ts'
import { seededRandom } from '../local/seeded-random.ts'
import { temporaryFolder } from '../local/temporary.ts'
import { LosingDisk } from './spool/losing-disk.ts'
import { whimsical } from './spool/whimsical.ts'

const stories = Number(process.env['RELAYFLEET_STORIES'] ?? 150)
const firstSeed = Number(process.env['RELAYFLEET_SEED'] ?? 1)

const ample = 8_000_000_000
const page = 4096
/** A file of long lines has soon grown, and is made anew while the process lives. */
const longName = 400_000
/** A number that was cut short is less than all that are noted. */
const firstValue = 1000

const form: LineForm<number> = {
  print: (name, value) => `${name} ${value}`,
  parse(text) {
    const [, name, value] = /^(\S+\/\S+) (\d+)$/.exec(text) ?? []
    return name === undefined ? undefined : [name, Number(value)]
  },
}

class Story {
  readonly #dice: () => number
  readonly #path: string
  readonly #names: readonly string[]
  readonly #volume = { all: ample, others: 0 }
  /** What was noted last; what is there for certain after a kill, and after a loss of power. */
  readonly #noted = new Map<string, number>()
  #kept = new Map<string, number>()
  #synced = new Map<string, number>()
  #losing = new LosingDisk()
  #failures = 0
  #last = firstValue

  constructor(dice: () => number, path: string) {
    this.#dice = dice
    this.#path = path
    const team = 'a'.repeat(dice() < 0.02 ? longName : 4)
    this.#names = Array.from({ length: this.#upTo(4) }, (_, i) => `${team}/app-${i}`)
    this.#losing.octets = this.#volume
  }

  async life(): Promise<void> {
    const file = await this.#start()
    for (let acts = this.#upTo(25); acts > 0; acts -= 1) await this.#act(file)
    await this.#end(file)
  }

  #upTo(most: number): number {
    return 1 + Math.floor(this.#dice() * most)
  }

  get #isWell(): boolean {
    return this.#failures === 0 && this.#volume.others === 0
  }

  async #start(): Promise<LineFile<number>> {
    const left = this.#losing.files.get(this.#path)
    rmSync(this.#path, { force: true })
    if (left !== undefined) writeFileSync(this.#path, left)
    const failures = () => this.#failures
    const codes = () => ['EIO', 'ENOSPC', 'EROFS']
    const disk = whimsical(this.#losing.disk, { dice: this.#dice, failures, codes })
    const file = new LineFile(this.#path, form, () => {}, { disk })
    const read = new Map(this.#names.map((name) => [name, file.get(name) ?? 0]))
    for (const [name, value] of read) {
      expect(value, 'what was kept').toBeGreaterThanOrEqual(this.#kept.get(name) ?? 0)
      expect(value, 'what was noted').toBeLessThanOrEqual(this.#noted.get(name) ?? 0)
      this.#noted.set(name, value)
    }
    if (this.#isWell) {
      await file.written
      this.#kept = read
      this.#synced = new Map(read)
    }
    return file
  }

  async #act(file: LineFile<number>): Promise<void> {
    const what = this.#dice()
    if (what < 0.5) await this.#note(file)
    else if (what < 0.6) this.#failures = this.#dice() < 0.5 ? 0 : this.#dice() * 0.6
    else if (what < 0.7) this.#volume.others = this.#dice() < 0.5 ? 0 : ample - page * this.#upTo(3)
    else if (what < 0.8) this.#heal()
    else for (let turns = this.#upTo(10); turns > 0; turns -= 1) await turn()
  }

  #heal(): void {
    this.#failures = 0
    this.#volume.others = 0
  }

  async #note(file: LineFile<number>): Promise<void> {
    const name = this.#names[this.#upTo(this.#names.length) - 1] ?? ''
    this.#last += 1
    file.note(name, this.#last)
    this.#noted.set(name, this.#last)
    if (this.#dice() < 0.5) return
    await file.written
    // With this note the file was made anew, if there was trouble before.
    if (this.#isWell) this.#kept = new Map(this.#noted)
  }

  async #end(file: LineFile<number>): Promise<void> {
    const how = this.#dice()
    if (how < 0.3) {
      await file.close()
      if (this.#isWell) this.#synced = this.#kept = new Map(this.#noted)
    }
    const { deeds } = this.#losing
    if (how < 0.65) this.#losing = this.#losing.killedAfter(deeds.length)
    else {
      this.#losing = new LosingDisk(
        this.#losing.after(deeds.length, { data: this.#luck(), names: this.#luck(), dice: this.#dice }),
      )
      this.#kept = new Map(this.#synced)
    }
    this.#losing.octets = this.#volume
  }

  #luck() {
    return (['none', 'all', 'some'] as const)[this.#upTo(3) - 1] ?? 'some'
  }
}

test(`in ${stories} random stories a start knows all that was written on a disk that was well, and nothing that was never noted (cases A19, S10, S14, S16)`, {
  timeout: 3_600_000,
}, async () => {
  const folder = temporaryFolder()
  for (let seed = firstSeed; seed < firstSeed + stories; seed += 1) {
    const story = new Story(seededRandom(seed), join(folder, `counts-${seed}`))
    try {
      for (let lives = 0; lives < 6; lives += 1) await story.life()
    } catch (error) {
      throw new Error(`seed ${seed}: ${(error as Error).message}`)
    }
  }
})
