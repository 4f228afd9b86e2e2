/** What holds for every snapshot: the order of its lists means nothing, compile changes nothing in it, and an error gives and takes no right. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { compile } from '../../operator/compile/compile.ts'
import type { Compiled } from '../../operator/compile/compiled.ts'
import { type Name, nameOf, type Snapshot } from '../../operator/compile/snapshot.ts'
import { bigSnapshot, credential, domain, policy, snapshot } from './big-world.ts'

const plain = (value: unknown): unknown =>
  JSON.parse(
    JSON.stringify(value, (_key, v) => {
      if (v instanceof Map) return { map: [...v] }
      return v instanceof Set ? { set: [...v] } : v
    }),
  )

/** Rare combinations (three claims on one domain, one of them in doubt) need some hundred random worlds to come up. */
fc.configureGlobal({ numRuns: 300 })

const namespaceName = fc.constantFrom('mail', 'team-a', 'team-b')
const objectName = fc.constantFrom('one', 'two')
const born = fc.constantFrom('', '2026-01-01T00:00:00Z', '2026-02-01T00:00:00Z', '2026-01-01T01:00:00+01:00')
const environment = fc.constantFrom('Production', 'Production', 'Production', 'NonProduction')
const namespaces = fc.constantFrom(
  { from: 'All' },
  { from: 'All' },
  { from: 'All' },
  { from: 'Same' },
  { from: 'Selector', selector: { matchLabels: { mail: 'yes' } } },
)
const metadata = fc.record({ namespace: namespaceName, name: objectName, creationTimestamp: born })
const reference = fc.record({ namespace: namespaceName, name: objectName })

const policies = fc
  .record({ metadata, environment, namespaces, port: fc.constantFrom(587, 465) })
  .map(({ metadata: m, environment: e, namespaces: n, port }) =>
    policy(m, {
      environment: e,
      recipients: { mode: 'Capture' },
      listeners: [{ name: 'submission', port }],
      admission: { credentials: { namespaces: n } },
    }),
  )
const domains = fc
  .record({
    metadata,
    environment,
    allowedNamespaces: namespaces,
    includeSubdomains: fc.boolean(),
    domain: fc.constantFrom('a.example', 'm.a.example', 'x.m.a.example', 'b.example'),
  })
  .map(({ metadata: m, ...spec }) => domain(m, spec))
const credentials = fc
  .record({
    metadata,
    policyRef: reference,
    senderDomainRefs: fc.array(reference, { minLength: 2, maxLength: 4 }),
    secret: fc.constantFrom({}, {}, {}, { name: 'smtp' }),
  })
  .map(({ metadata: m, secret, ...spec }) => credential(m, { ...spec, secretTemplate: secret }))

const distinct = <T extends { readonly namespace: string; readonly name: string }>(object: fc.Arbitrary<T>) =>
  fc.uniqueArray(object, { minLength: 2, maxLength: 6, selector: nameOf })

const worlds = fc
  .record({
    policies: distinct(policies),
    domains: distinct(domains),
    credentials: distinct(credentials),
    machine: fc.boolean(),
  })
  .map(({ machine, ...objects }) =>
    snapshot({
      ...objects,
      namespaces: new Map([
        ['team-a', { mail: 'yes' }],
        ['team-b', { mail: 'no' }],
      ]),
      ...(machine ? { place: { listenAddress: '127.0.0.1', clientHost: '127.0.0.1', lowPorts: false } } : {}),
    }),
  )

const running = (compiled: Compiled): Snapshot['running'] =>
  new Map([...compiled.fleets].flatMap(([name, f]) => (f.kind === 'run' ? [[name, f.config] as const] : [])))

const shuffled = <T>(list: readonly T[]): fc.Arbitrary<T[]> =>
  fc.shuffledSubarray([...list], { minLength: list.length })
const reordered = (world: Snapshot): fc.Arbitrary<Snapshot> =>
  fc
    .record({
      policies: shuffled(world.policies),
      domains: shuffled(world.domains),
      credentials: shuffled(world.credentials),
      invalid: shuffled(world.invalid),
      bindingKeys: shuffled([...world.bindingKeys]).map((e) => new Map(e)),
      running: shuffled([...world.running]).map((e) => new Map(e)),
      namespaces: shuffled([...world.namespaces]).map((e) => new Map(e)),
    })
    .map((lists) => ({ ...world, ...lists }))

/** Some objects turn invalid, some files unread, after all of it was running. */
const troubled = worlds.chain((world) =>
  fc
    .record({
      bad: fc.array(fc.nat(30), { maxLength: 6 }),
      unread: fc.boolean(),
    })
    .map(({ bad, unread }) => {
      const all = [...world.policies, ...world.domains, ...world.credentials]
      const broken = new Set(all.filter((_, i) => bad.includes(i)))
      const whole = <T extends (typeof all)[number]>(list: readonly T[]): readonly T[] =>
        list.filter((o) => !broken.has(o))
      return {
        before: world,
        after: {
          ...world,
          policies: whole(world.policies),
          domains: whole(world.domains),
          credentials: whole(world.credentials),
          invalid: unread ? [] : [...broken].map(({ labels: _, ...rest }) => ({ ...rest, problems: ['bad'] })),
          unread: unread ? ['some.yaml'] : [],
          running: running(compile(world)),
        } satisfies Snapshot,
      }
    }),
)

test('the order of the lists in a snapshot does not change what is compiled', () => {
  fc.assert(
    fc.property(
      troubled.chain(({ after }) => fc.tuple(fc.constant(after), reordered(after))),
      ([world, other]) => {
        expect(plain(compile(other))).toEqual(plain(compile(world)))
      },
    ),
  )
})

test('compile does not change the snapshot that it is given', () => {
  fc.assert(
    fc.property(troubled, ({ after }) => {
      const before = plain(after)
      compile(after)
      expect(plain(after)).toEqual(before)
    }),
  )
})

test('compiling again, with the first result running, gives the same result', () => {
  fc.assert(
    fc.property(worlds, (world) => {
      const once = compile(world)
      expect(plain(compile({ ...world, running: running(once) }))).toEqual(plain(once))
    }),
  )
})

type Right = string
/** Each right as a text: the fleet, the credential, the SenderDomain, the domain, and whether its subdomains are included. */
const rights = (configs: Snapshot['running']): ReadonlySet<Right> =>
  new Set(
    [...configs].flatMap(([fleet, config]) =>
      config.credentials.flatMap((c) =>
        c.senders.map((s) => [fleet, c.name, s.senderDomain, s.domain, s.includeSubdomains].join(' ')),
      ),
    ),
  )

const configsAfter = (compiled: Compiled, before: Snapshot['running']): Snapshot['running'] =>
  new Map(
    [...compiled.fleets].flatMap(([name, f]) => {
      const config = f.config ?? before.get(name)
      return config === undefined ? [] : [[name, config] as const]
    }),
  )

test('no credential gains a right when an object turns invalid', () => {
  fc.assert(
    fc.property(troubled, ({ after }) => {
      fc.pre(after.unread.length === 0)
      const had = rights(after.running)
      const has = rights(configsAfter(compile(after), after.running))
      expect([...has].filter((right) => !had.has(right))).toEqual([])
    }),
  )
})

test('no credential loses a right when an object turns invalid or a file can not be read', () => {
  fc.assert(
    fc.property(troubled, ({ after }) => {
      const has = rights(configsAfter(compile(after), after.running))
      expect([...rights(after.running)].filter((right) => !has.has(right))).toEqual([])
    }),
  )
})

/** A second, naive implementation of the rules of consent, to compare with. */
test('every right has the consent of its policy and its domain, which are of one environment', () => {
  fc.assert(
    fc.property(worlds, (world) => {
      const admits = (given: { readonly from: string }, owner: string, asking: string): boolean =>
        given.from === 'All' || (given.from === 'Same' ? owner === asking : asking === 'team-a')
      for (const [fleet, config] of running(compile(world))) {
        const its = world.policies.find((p) => nameOf(p) === fleet)
        for (const entry of config.credentials) {
          const asking = entry.name.split('/')[0] ?? ''
          expect(its !== undefined && admits(its.spec.admission.credentials.namespaces, its.namespace, asking)).toBe(
            true,
          )
          for (const sender of entry.senders) {
            const from = world.domains.find((d) => nameOf(d) === (sender.senderDomain as Name))
            expect(from !== undefined && admits(from.spec.allowedNamespaces, from.namespace, asking)).toBe(true)
            expect(from?.spec.environment).toBe(its?.spec.environment)
          }
        }
      }
    }),
  )
})

test('no address belongs to accepted domains of two namespaces', () => {
  fc.assert(
    fc.property(worlds, (world) => {
      const { findings } = compile(world)
      const accepted = world.domains.filter((d) =>
        findings.get(`SenderDomain ${nameOf(d)}`)?.some((f) => f.type === 'Accepted' && f.status === 'True'),
      )
      const within = (address: string, d: (typeof accepted)[number]): boolean =>
        address === d.spec.domain || (d.spec.includeSubdomains && address.endsWith(`.${d.spec.domain}`))
      for (const address of ['a.example', 'm.a.example', 'x.m.a.example', 'y.x.m.a.example', 'b.example']) {
        const owners = accepted.filter((d) => within(address, d)).map((d) => d.namespace)
        expect(new Set(owners).size).toBeLessThanOrEqual(1)
      }
    }),
  )
})

test('10,000 credentials and 1,000 domains compile in less than 1.5 s of CPU', () => {
  const world = bigSnapshot(1_000, 10_000)
  const first = compile(world)
  // Time of the processor, since what else the machine does must not count.
  const begin = process.cpuUsage()
  const again = compile({ ...world, running: running(first) })
  const { user, system } = process.cpuUsage(begin)
  const took = (user + system) / 1000
  // 10 of 500 namespaces are not admitted.
  expect(again.bindings.size).toBe(9_800)
  expect([...again.fleets.values()].reduce((sum, f) => sum + (f.config?.credentials.length ?? 0), 0)).toBe(9_800)
  console.log(`compiled 10,000 credentials and 1,000 domains in ${took.toFixed(0)} ms of CPU`)
  expect(took).toBeLessThan(1_500)
})
