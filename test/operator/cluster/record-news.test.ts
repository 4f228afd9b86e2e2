/** The metric on DNS records names domains as long as there is room, broken ones first. */
import { expect, test } from 'vitest'
import { recordsOk } from '../../../operator/cluster/record-news.ts'
import type { DeclaredObject } from '../../../operator/cluster/watch/declared.ts'

const domain = (name: string, conditions: Readonly<Record<string, string>>, kind = 'SenderDomain'): DeclaredObject =>
  ({
    ref: `${kind} mail/${name}`,
    status: { conditions: Object.entries(conditions).map(([type, status]) => ({ type, status })) },
  }) as unknown as DeclaredObject

test('each record whose state is known has a series, broken ones first', () => {
  expect(
    recordsOk([
      domain('a', { SPFValid: 'True', DMARCValid: 'Unknown', Ready: 'True' }),
      domain('b', { SPFValid: 'False', DKIMValid: 'True' }),
      domain('c', {}),
      domain('d', { SPFValid: 'False' }, 'RelayPolicy'),
    ]),
  ).toEqual([
    { record: 'SPF', domain: 'mail/b', ok: false },
    { record: 'SPF', domain: 'mail/a', ok: true },
    { record: 'DKIM', domain: 'mail/b', ok: true },
  ])
})

test('a domain that is not signed has no series for DKIM', () => {
  const { ref, status } = domain('a', { DKIMValid: 'False' })
  const conditions = (status['conditions'] as readonly object[]).map((c) => ({ ...c, reason: 'NotSigned' }))
  expect(recordsOk([{ ref, status: { conditions } } as unknown as DeclaredObject])).toEqual([])
})

test.each([
  [['False', 'True', 'True', 'True'], true],
  [['False', 'False', 'False', 'True'], false],
])('with SPF %j and room for two names, the series of the others is broken if one of them is', (statuses, ok) => {
  const declared = statuses.map((status, i) => domain(`${i}`, { SPFValid: status }))
  const told = recordsOk(declared, 2)
  expect(told).toHaveLength(3)
  expect(told.at(-1)).toEqual({ record: 'SPF', domain: 'other', ok })
})
