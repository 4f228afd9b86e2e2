/** While relays can not get a key, its domain signs with the keys that it had, and all else of the configuration is the new one. */
import { expect, test } from 'vitest'
import { withKeysAtHand } from '../../../../operator/cluster/fleets/keys-at-hand.ts'
import { printConfig, type RelayConfig, type SigningConfig } from '../../../../relay/config.ts'
import { baseConfig } from '../../../relay/inbound/submission-under-test.ts'

const signing = (
  domain: string,
  selectors: string,
  whenBroken: SigningConfig['whenBroken'] = 'Warn',
): SigningConfig => ({
  senderDomain: `mail/${domain}`,
  domain,
  whenBroken,
  keys: selectors
    .split(' ')
    .filter((selector) => selector !== '')
    .map((selector) => ({ selector, algorithm: 'rsa-sha256', keyFile: `${selector}.pem` })),
})
const config = (...entries: readonly SigningConfig[]): RelayConfig => ({ ...baseConfig, signing: entries })
const shown = ({ signing: entries = [] }: RelayConfig) =>
  entries.map(({ domain, keys, whenBroken }) => `${domain} ${whenBroken}: ${keys.map((k) => k.selector)}`)

test.each<[string, RelayConfig, RelayConfig, readonly string[]]>([
  [
    'a domain whose key is there signs with it, and one whose key is not with those that it had',
    config(signing('a', 'a2'), signing('b', 'b2 b3')),
    config(signing('a', 'a1'), signing('b', 'b1 b3')),
    ['a Warn: a2', 'b Warn: b1,b3'],
  ],
  ['a domain that had none signs with those that are there', config(signing('b', 'b2 a2')), config(), ['b Warn: a2']],
  ['a domain that had none, and of which none is there, is not signed', config(signing('b', 'b2')), config(), []],
  ['but held back where its owner wants it signed', config(signing('b', 'b2', 'Defer')), config(), ['b Defer: ']],
  [
    'what its owner wants of mail that can not be signed is as it is now',
    config(signing('b', 'b2', 'Refuse')),
    config(signing('b', 'b1')),
    ['b Refuse: b1'],
  ],
  [
    'a domain that is signed no more gets nothing back',
    config(signing('a', 'a2')),
    config(signing('b', 'b1')),
    ['a Warn: a2'],
  ],
])('%s', (_name, now, running, expected) => {
  const is = withKeysAtHand(now, running, (file) => file === 'a2.pem')
  expect(shown(is)).toEqual(expected)
  expect(printConfig({ ...now, ...is, signing: now.signing ?? [] })).toBe(printConfig(now))
  if (expected.length > 0) expect(Object.keys(is)).toEqual(Object.keys(now))
})

test('a configuration whose keys are all there, or that signs nothing, stays the very same text', () => {
  for (const now of [baseConfig, config(signing('a', 'a2'))])
    expect(printConfig(withKeysAtHand(now, config(signing('a', 'a1')), () => true))).toBe(printConfig(now))
})
