/** The metric on expiry tells when a credential or an old password ends, the first ones by name. */
import { expect, test } from 'vitest'
import { expiries } from '../../../operator/cluster/expiry-news.ts'
import { FleetNews } from '../../../operator/cluster/fleet-news.ts'
import type { Telling } from '../../../operator/cluster/telling.ts'
import type { DeclaredObject } from '../../../operator/cluster/watch/declared.ts'

const at = (text: string): number => Date.parse(text) / 1000
const credential = (name: string, expiresAt: string | undefined, keys: readonly string[] = []): DeclaredObject =>
  ({
    ref: `RelayCredential shop/${name}`,
    is: 'valid',
    resource: { kind: 'RelayCredential', spec: { expiresAt } },
    status: { keys: [{ id: 'newest' }, ...keys.map((end) => ({ id: end, state: 'Retiring', expiresAt: end }))] },
  }) as unknown as DeclaredObject

test('the end of each credential is told, and of its old passwords the first end', () => {
  const invalid = { ...credential('held', '2027-01-01T00:00:00Z', ['2026-05-01T00:00:00Z']), is: 'invalid' }
  expect(
    expiries([
      credential('lasts', undefined),
      credential('ends', '2027-01-01T00:00:00Z'),
      credential('rotated', undefined, ['2026-07-01T00:00:00Z', '2026-06-01T00:00:00Z']),
      credential('unreadable', 'x', ['y']),
      invalid as unknown as DeclaredObject,
      { ref: 'RelayPolicy mail/shared', status: {} } as unknown as DeclaredObject,
    ]),
  ).toEqual([
    { credential: 'shop/ends', ends: 'credential', at: at('2027-01-01T00:00:00Z') },
    { credential: 'shop/held', ends: 'key', at: at('2026-05-01T00:00:00Z') },
    { credential: 'shop/rotated', ends: 'key', at: at('2026-06-01T00:00:00Z') },
  ])
})

test('beyond the names that there is room for, the first end is told as that of other', () => {
  const days = ['2026-01-04', '2026-01-01', '2026-01-03', '2026-01-02']
  const declared = days.map((day) => credential(day, `${day}T00:00:00Z`))
  expect(expiries(declared, 2)).toEqual([
    { credential: 'shop/2026-01-01', ends: 'credential', at: at('2026-01-01T00:00:00Z') },
    { credential: 'shop/2026-01-02', ends: 'credential', at: at('2026-01-02T00:00:00Z') },
    { credential: 'other', ends: 'credential', at: at('2026-01-03T00:00:00Z') },
  ])
})

test('the ends are told when they change, also when none is left', () => {
  const told: Telling[] = []
  let declared = [credential('ends', '2027-01-01T00:00:00Z')]
  const written = () => ({ hash: undefined, trouble: undefined })
  const news = new FleetNews({
    world: { declared: () => declared },
    fleets: { written: written as never },
    tell: (telling) => told.push(telling),
  })
  news.look()
  news.look()
  declared = []
  news.look()
  const ends = told.flatMap((telling) => (telling.about === 'expiries' ? [telling.expiries.length] : []))
  expect(ends).toEqual([1, 0])
})
