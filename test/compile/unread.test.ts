/** Where something could not be read, credentials that seem to be gone stay, but only in the namespaces where it may be. */
import { expect, test } from 'vitest'
import { compile } from '../../operator/compile/compile.ts'
import type { CompiledFleet } from '../../operator/compile/compiled.ts'
import type { Name, Snapshot } from '../../operator/compile/snapshot.ts'
import type { RelayConfig } from '../../relay/config.ts'
import { credential, domain, policy, snapshot } from './big-world.ts'

const refs = {
  policyRef: { name: 'shared', namespace: 'mail' },
  senderDomainRefs: [{ name: 'example', namespace: 'mail' }],
}
const team = (namespace: string) => credential({ namespace, name: 'web' }, refs)
const selector = { from: 'Selector', selector: { matchLabels: { mail: 'yes' } } }
const shared = policy({ namespace: 'mail', name: 'shared' }, { admission: { credentials: { namespaces: selector } } })
const all = snapshot({
  policies: [shared],
  domains: [domain({ namespace: 'mail', name: 'example' }, { domain: 'a.example' })],
  credentials: [team('team-a'), team('team-b')],
  namespaces: new Map(['team-a', 'team-b'].map((name) => [name, { mail: 'yes' }] as const)),
})
const configIn = (fleet: CompiledFleet | undefined): RelayConfig | undefined => fleet?.config
const running = (config: RelayConfig | undefined): Snapshot['running'] =>
  new Map<Name, RelayConfig>(config === undefined ? [] : [['mail/shared', config]])
const before = { ...all, running: running(configIn(compile(all).fleets.get('mail/shared'))) }

const usernames = (after: Partial<Snapshot>): readonly string[] =>
  configIn(compile({ ...before, ...after }).fleets.get('mail/shared'))?.credentials.map((c) => c.username) ?? []

const everybody = ['web.team-a', 'web.team-b']
const unread = ['relaycredentials of team-b: could not be listed yet']

test.each<[string, Partial<Snapshot>, readonly string[]]>([
  ['everything was read: credentials that are gone lose their access', { credentials: [] }, []],
  ['credentials of an unknown namespace were not read: all credentials stay', { credentials: [], unread }, everybody],
  [
    'credentials of one namespace were not read: only those of that namespace stay',
    { credentials: [], unread, unreadNamespaces: new Set(['team-b']) },
    ['web.team-b'],
  ],
  ['labels of an unknown namespace were not read: all credentials stay', { namespaces: new Map(), unread }, everybody],
  [
    'labels of one namespace were not read: only the credentials of that namespace stay',
    { namespaces: new Map(), unread, unreadNamespaces: new Set(['team-b']) },
    ['web.team-b'],
  ],
])('%s', (_name, after, expected) => {
  expect(usernames({})).toEqual(everybody)
  expect(usernames(after)).toEqual(expected)
})
