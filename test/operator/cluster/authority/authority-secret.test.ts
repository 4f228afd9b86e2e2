/** The Secret of the authorities is read as it was written, and one of another form is refused without being quoted. */
import { expect, test } from 'vitest'
import { createAuthority, issue } from '../../../../operator/ca.ts'
import type { KubeObject } from '../../../../operator/cluster/api/object.ts'
import {
  added,
  authoritiesIn,
  authoritySecret,
  bundleOf,
} from '../../../../operator/cluster/authority/authority-secret.ts'

const now = Date.UTC(2026, 10, 24)
const at = { namespace: 'relayfleet-system', name: 'relayfleet-ca' }
const authority = await createAuthority(now)
const other = await createAuthority(now)
const leaf = await issue(authority, ['relay.example.org'], now)
const entry = { addedAt: new Date(now).toISOString(), ...authority }

const holding = (record: unknown): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: at,
  data: {
    'authorities.json': Buffer.from(typeof record === 'string' ? record : JSON.stringify(record)).toString('base64'),
  },
})

test('the authorities that are written are read back, and ca.crt has the bundle', () => {
  const held = [added(authority, now), added(other, now + 1000)]
  const secret = authoritySecret(at, held)
  expect(authoritiesIn(secret)).toEqual(held)
  expect(secret).toMatchObject({
    type: 'Opaque',
    metadata: { labels: { 'app.kubernetes.io/managed-by': 'relayfleet' } },
  })
  expect(secret.metadata).not.toHaveProperty('ownerReferences')
  const { data } = secret as unknown as { data: Record<string, string> }
  expect(Buffer.from(data['ca.crt'] ?? '', 'base64').toString()).toBe(bundleOf([authority, other]))
  expect(bundleOf([authority, other]).match(/BEGIN CERTIFICATE/g)).toHaveLength(2)
})

test.each<[string, KubeObject, string]>([
  ['no record', { ...holding(''), data: { 'tls.crt': 'YQ==' } }, 'it has no key authorities.json'],
  ['no data', { apiVersion: 'v1', kind: 'Secret', metadata: at }, 'it has no key authorities.json'],
  ['a torn record', holding(JSON.stringify([entry]).slice(0, -40)), 'authorities.json is no JSON'],
  ['an object', holding({ entry }), 'authorities.json is no list of authorities'],
  ['an empty list', holding([]), 'authorities.json is no list of authorities'],
  ['no time', holding([{ ...entry, addedAt: 'soon' }]), 'authorities.json[0].addedAt is no time'],
  ['no key', holding([{ ...entry, key: undefined }]), 'authorities.json[0] has no certificate of an authority'],
  [
    'another key',
    holding([entry, { ...entry, key: other.key }]),
    'authorities.json[1] has no certificate of an authority',
  ],
  [
    'one that may sign nothing',
    holding([{ ...entry, ...leaf }]),
    'authorities.json[0] has no certificate of an authority',
  ],
  ['null in the list', holding([null]), 'authorities.json[0].addedAt is no time'],
])('a Secret with %s is refused, without its key in the message', (_name, secret, why) => {
  const words = (): string => {
    try {
      return String(authoritiesIn(secret))
    } catch (error) {
      return (error as Error).message
    }
  }
  expect(words()).toContain(why)
  expect(words()).not.toContain(authority.key.slice(30, 60))
})
