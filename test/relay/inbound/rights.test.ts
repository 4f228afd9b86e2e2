/**
 * Clients with passwords, tokens and certificates send by two relays, while what is declared, the clock and the store of limits change
 * between any two of their steps: who may send what, and how much, is what a model says that was made from the promises.
 */
import fc from 'fast-check'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { Ledger } from '../limits/ledger-model.ts'
import { Client } from './rights-client.ts'
import { type Fleet, startFleet } from './rights-relays.ts'
import { Scene } from './rights-scene.ts'
import { type Act, type Story, story } from './rights-story.ts'
import { firstWorld, relays } from './rights-world.ts'

const long = process.env['RELAYFLEET_LONG'] === '1'
const stories = Number(process.env['RELAYFLEET_STORIES'] ?? (long ? 3_000 : 40))
const seed = Number(process.env['RELAYFLEET_SEED'] ?? 20_261_201)

// Pauses and patience with the store are by timers, and go on when a story says so.
beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }))
afterEach(() => void vi.useRealTimers())

/** A client whose session ends comes back another time. */
async function take({ fleet }: Scene, client: Client | undefined, { times, atTheDot }: Extract<Act, { kind: 'step' }>) {
  for (let n = 0; n < times && (n === 0 || client?.isThere); n++) {
    await client?.next(atTheDot)
    await fleet.steady()
  }
}

async function act(scene: Scene, clients: readonly Client[], one: Act): Promise<void> {
  const { fleet } = scene
  switch (one.kind) {
    case 'step':
      return take(scene, clients[one.who], one)
    case 'leave':
      return clients[one.who]?.leave()
    case 'edit':
      await scene.edit(one.edit)
      return fleet.steady()
    case 'clock':
      await fleet.atRest()
      fleet.clock.now += one.ms
      return
    case 'store':
      return scene.store(one.how)
  }
}

/** Nothing was counted that was not kept, and nothing kept that was not counted. */
function expectCounted({ fleet, ledger, world }: Scene): void {
  for (const [index, { own, told, spool }] of fleet.relays.entries()) {
    for (const name of Object.keys(world.people).map((one) => `apps/${one}`)) {
      const standing = own.standing(name)
      if (standing.day === ledger.day) expect(standing.own, `${name} at relay ${index}`).toBe(ledger.taken(index, name))
    }
    expect(told.filter(({ msg }) => msg === 'accepted')).toHaveLength(spool.kept.length)
    expect(told.filter(({ msg }) => msg === 'unexpected')).toEqual([])
  }
}

async function play(fleet: Fleet, { pace, plans, acts }: Story): Promise<void> {
  const { clock, store } = fleet
  const ledger = new Ledger(
    relays,
    () => clock.now,
    (relay, name) => store.heard(`relay-${relay}`, name),
  )
  const scene = new Scene(fleet, ledger, pace)
  const clients = plans.map((plan) => new Client(scene, plan))
  try {
    for (const one of acts) {
      scene.log.push(JSON.stringify(one))
      await act(scene, clients, one)
      for (const client of clients) client.noticed()
    }
    for (const client of clients) await client.leave()
    expectCounted(scene)
  } catch (error) {
    const said = clients.flatMap(({ transcript }) => ['an open session:', ...transcript])
    throw new Error(`${[...scene.log, ...said].join('\n')}\n${(error as Error).message}`)
  }
}

test(`in ${stories} random stories who may send what, and how much, is what a model says that was made from the promises, whatever is changed or fails between two steps (cases A03, A12, A19, A20, A21)`, {
  timeout: 3_600_000,
}, async () => {
  const holds = fc.asyncProperty(story, async (one) => {
    const fleet = await startFleet(firstWorld, one.pace)
    try {
      await play(fleet, one)
    } finally {
      vi.useRealTimers()
      await fleet.close()
      vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    }
  })
  await fc.assert(holds, { seed, numRuns: stories })
})
