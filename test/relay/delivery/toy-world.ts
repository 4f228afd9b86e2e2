/** What is around delivery in all random models of it: toy hosts, no file, and a loop that nobody keeps busy. */
import type { createDelivery } from '../../../relay/delivery/delivery.ts'
import type { Dns } from '../../../relay/delivery/dns.ts'
import { Headroom } from '../../../relay/headroom.ts'
import { allWithin } from './rig.ts'

export const deadlines = { ...allWithin(20_000), connect: 5000, transaction: 60_000 }
/** No attempt lasts longer, nor does a connection of a configuration that is gone. */
export const longestAttemptMs = deadlines.connect + deadlines.transaction + 3 * 20_000
/** How much longer than its grace a relay may take to end: three times the last writes of a disk that hangs. */
export const lastMs = 6000

/** `exchangers`: which those of a domain are. */
export const toyWorld = (exchangers: Dns['exchangers']) =>
  ({
    inboxDirectory: '/nowhere',
    // There is no such folder, since a real file would take time that the fake timers know nothing of.
    attemptsFile: '/nowhere/open-attempts',
    deadlines,
    headroom: new Headroom({ now: Date.now, busyMs: () => 0 }),
    exchangers: {
      port: 25,
      mayReach: () => true,
      dns: { exchangers, addresses: async () => ({ kind: 'found', records: [{ address: '192.0.2.1', family: 4 }] }) },
    },
  }) satisfies Partial<Parameters<typeof createDelivery>[0]>
