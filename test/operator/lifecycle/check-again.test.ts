/** When the records of a domain are looked at again: by what was found, and by the keys that wait. */
import { expect, test } from 'vitest'
import { checkAgainMs, type WaitingKey } from '../../../operator/lifecycle/check-again.ts'
import { type DomainRecords, domainRecords } from '../../../operator/lifecycle/domain-records.ts'
import { recordsWanted } from '../../../operator/lifecycle/records-wanted.ts'
import { own, type Zone } from './zone.ts'

const day = 86_400_000
const now = Date.parse('2026-01-05T10:00:00Z')
const name = 'TXT s1._domainkey.example.org'
const wanted = recordsWanted('example.org', {}, [{ selector: 's1', type: 'ed25519', publicKey: 'AAAA' }])

function found(zone: Zone): DomainRecords {
  const standing = domainRecords(wanted, [own(zone)], undefined, now)
  if (standing.is === 'asks') throw new Error('everything is in the zone')
  return standing
}
const well = found({ [name]: ['v=DKIM1; k=ed25519; p=AAAA'] })
const ill = found({ [name]: { is: 'absent' } })

test('a broken domain is looked at every five minutes and one in order every hour, or up to a quarter later by chance', () => {
  const pace = { everyMs: 300_000, waiting: [] }
  const minutes = (found: DomainRecords, dice: number) => checkAgainMs(found, now, pace, dice) / 60_000
  expect([0, 0.5, 0.999].map((dice) => minutes(well, dice))).toEqual([60, 67.5, expect.closeTo(75, 1)])
  expect([0, 0.999].map((dice) => minutes(ill, dice))).toEqual([5, expect.closeTo(6.25, 1)])
})

/** After how many seconds a domain is looked at, from the moment when its key was made. */
function looksFor(stage: WaitingKey['stage'], everyMs: number, looks: number): readonly number[] {
  const pace = { everyMs, waiting: [{ stage, since: now }] }
  const at = [now]
  for (let i = 0; i < looks; i += 1) at.push((at[i] ?? 0) + checkAgainMs(ill, at[i] ?? 0, pace, 0))
  return at.slice(1).map((ms) => (ms - now) / 1000)
}

test('the record of a new key is looked for after 5, 10, 20 and 40 s and so on, until each minute or as often as others', () => {
  expect(looksFor('Pending', 300_000, 9)).toEqual([5, 10, 20, 40, 80, 160, 320, 620, 920])
  expect(looksFor('Pending', 60_000, 7)).toEqual([5, 10, 20, 40, 80, 140, 200])
})

test('a record that was seen is looked at once more when that counts, and a time of a wrong clock makes no look come at once', () => {
  expect(looksFor('Published', 300_000, 2)[0]).toBe(300)
  const waitFor = (stage: WaitingKey['stage'], since: number) =>
    checkAgainMs(well, now, { everyMs: 300_000, waiting: [{ stage, since }] }, 0) / 1000
  expect(waitFor('Published', now - 100_000)).toBe(201)
  expect([waitFor('Pending', now + day), waitFor('Published', now + day)]).toEqual([300, 305])
  expect([waitFor('Pending', now - day), waitFor('Published', now - day)]).toEqual([300, 300])
})
