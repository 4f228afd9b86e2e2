/** Which route a recipient takes: the first one that matches the sender, the recipient and the credential. */
import { expect, test } from 'vitest'
import { routeOf } from '../../../relay/rules/route.ts'
import { leastCpuMs } from '../../cpu-time.ts'
import { route } from '../delivery/samples.ts'

type Match = NonNullable<Parameters<typeof routeOf>[0][number]['match']>
const matching = (name: string, match: Partial<Match>) =>
  route(name, [], { match: { senderDomains: [], recipientDomains: [], ...match } })
const sender = { reversePath: 'app@corp.test', fromDomain: 'news.corp.test', credential: 'team-a/web' }
const catchAll = route('rest', [])

test.each([
  ['the catch-all takes what no other route matches', {}, 'a@x.test', 'one', { senderDomains: ['other.test'] }, 'rest'],
  ['the sender domain matches', {}, 'a@x.test', 'one', { senderDomains: ['corp.test'] }, 'one'],
  [
    'the sender domain matches in another letter case',
    { reversePath: 'app@CORP.Test' },
    'a@x.test',
    'one',
    { senderDomains: ['corp.test'] },
    'one',
  ],
  [
    'a subdomain of the sender domain does not match',
    { reversePath: 'app@sub.corp.test' },
    'a@x.test',
    'one',
    { senderDomains: ['corp.test'] },
    'rest',
  ],
  [
    'with the null reverse-path the From domain matches',
    { reversePath: '' },
    'a@x.test',
    'one',
    { senderDomains: ['news.corp.test'] },
    'one',
  ],
  [
    'with another reverse-path the From domain does not match',
    {},
    'a@x.test',
    'one',
    { senderDomains: ['news.corp.test'] },
    'rest',
  ],
  ['the recipient domain matches', {}, 'a@X.test', 'one', { recipientDomains: ['y.test', 'x.test'] }, 'one'],
  [
    'the recipient domain matches behind a quoted local part with an @',
    {},
    '"a@y.test"@x.test',
    'one',
    { recipientDomains: ['x.test'] },
    'one',
  ],
  [
    'a U-label of the recipient matches its A-label',
    {},
    'a@b\u00fccher.test',
    'one',
    { recipientDomains: ['xn--bcher-kva.test'] },
    'one',
  ],
  ['the credential matches', {}, 'a@x.test', 'one', { credentials: ['team-a/web'] }, 'one'],
  ['a selector that chose no credential matches nothing', {}, 'a@x.test', 'one', { credentials: [] }, 'rest'],
  [
    'a route matches only by all of the lists that it has',
    {},
    'a@x.test',
    'one',
    { senderDomains: ['corp.test'], recipientDomains: ['y.test'] },
    'rest',
  ],
] as const)('%s', (_name, rest, forwardPath, name, match, expected) => {
  expect(routeOf([matching(name, match), catchAll], { ...sender, ...rest }, forwardPath)?.name).toBe(expected)
})

test('of several routes that match, the first one is taken', () => {
  const routes = [
    matching('a', { recipientDomains: ['x.test'] }),
    matching('b', { senderDomains: ['corp.test'] }),
    catchAll,
  ]
  expect(routeOf(routes, sender, 'a@x.test')?.name).toBe('a')
  expect(routeOf(routes.toReversed(), sender, 'a@x.test')?.name).toBe('rest')
})

test('without a catch-all a recipient may have no route', () => {
  expect(routeOf([matching('a', { credentials: [] })], sender, 'a@x.test')).toBeUndefined()
})

test('the domain of a recipient is parsed once, however many routes match by it', () => {
  const domains = Array.from({ length: 16 }, (_, n) => `d${n}.test`)
  const routes = Array.from({ length: 64 }, (_, n) => matching(`r${n}`, { recipientDomains: domains }))
  const times = (domain: string): number =>
    leastCpuMs(5, () => {
      for (let n = 0; n < 3000; n += 1) routeOf(routes, sender, `a${n}@${domain}`)
    })
  // Parsing a U-label anew for each route would take ten times as long.
  expect(times('bücher.test')).toBeLessThan(4 * times('buecher.test') + 10)
})
