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
  ['the catch-all', {}, 'a@x.test', 'one', { senderDomains: ['other.test'] }, 'rest'],
  ['the sender domain', {}, 'a@x.test', 'one', { senderDomains: ['corp.test'] }, 'one'],
  [
    'the sender domain, whatever its case',
    { reversePath: 'app@CORP.Test' },
    'a@x.test',
    'one',
    { senderDomains: ['corp.test'] },
    'one',
  ],
  ['no subdomain', { reversePath: 'app@sub.corp.test' }, 'a@x.test', 'one', { senderDomains: ['corp.test'] }, 'rest'],
  [
    'the From domain of the null reverse-path',
    { reversePath: '' },
    'a@x.test',
    'one',
    { senderDomains: ['news.corp.test'] },
    'one',
  ],
  ['not the From domain otherwise', {}, 'a@x.test', 'one', { senderDomains: ['news.corp.test'] }, 'rest'],
  ['the recipient domain', {}, 'a@X.test', 'one', { recipientDomains: ['y.test', 'x.test'] }, 'one'],
  ['behind a quoted local part with an @', {}, '"a@y.test"@x.test', 'one', { recipientDomains: ['x.test'] }, 'one'],
  ['a U-label', {}, 'a@b\u00fccher.test', 'one', { recipientDomains: ['xn--bcher-kva.test'] }, 'one'],
  ['the credential', {}, 'a@x.test', 'one', { credentials: ['team-a/web'] }, 'one'],
  ['a selector that chose nobody', {}, 'a@x.test', 'one', { credentials: [] }, 'rest'],
  [
    'every list that is given',
    {},
    'a@x.test',
    'one',
    { senderDomains: ['corp.test'], recipientDomains: ['y.test'] },
    'rest',
  ],
] as const)('%s', (_name, rest, forwardPath, name, match, expected) => {
  expect(routeOf([matching(name, match), catchAll], { ...sender, ...rest }, forwardPath)?.name).toBe(expected)
})

test('the first match wins', () => {
  const routes = [
    matching('a', { recipientDomains: ['x.test'] }),
    matching('b', { senderDomains: ['corp.test'] }),
    catchAll,
  ]
  expect(routeOf(routes, sender, 'a@x.test')?.name).toBe('a')
  expect(routeOf(routes.toReversed(), sender, 'a@x.test')?.name).toBe('rest')
})

test('without a catch-all nobody may match', () => {
  expect(routeOf([matching('a', { credentials: [] })], sender, 'a@x.test')).toBeUndefined()
})

test('however many routes ask for it, the domain of a recipient is made out once', () => {
  const domains = Array.from({ length: 16 }, (_, n) => `d${n}.test`)
  const routes = Array.from({ length: 64 }, (_, n) => matching(`r${n}`, { recipientDomains: domains }))
  const times = (domain: string): number =>
    leastCpuMs(5, () => {
      for (let n = 0; n < 3000; n += 1) routeOf(routes, sender, `a${n}@${domain}`)
    })
  // What is made out for each route takes ten times as long.
  expect(times('bücher.test')).toBeLessThan(4 * times('buecher.test') + 10)
})
