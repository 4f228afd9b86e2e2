/** Random objects whose fields are well-formed one by one; whether they go together, as they mostly do, is for the rules. */
import fc from 'fast-check'
import { credentialSpec } from '../crds/samples.ts'

export type Specified = { readonly kind: string; readonly spec: object; readonly metadataName?: string }

/** One value in ten is one that a rule may refuse. */
const mostly = <T>(right: fc.Arbitrary<T>, wrong: fc.Arbitrary<T>): fc.Arbitrary<T> =>
  fc.oneof({ weight: 9, arbitrary: right }, { weight: 1, arbitrary: wrong })
const of = <T>(...values: readonly T[]): fc.Arbitrary<T> => fc.constantFrom(...values)
const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined })
const numbered = <T extends object>(list: readonly T[]) => list.map((entry, i) => ({ ...entry, name: `n${i}` }))

const environment = of('Production', 'NonProduction')

type Expression = { readonly key: string; readonly operator: string; readonly values?: readonly string[] }
const expression = mostly<Expression>(
  of(
    { key: 'tier', operator: 'In', values: ['gold'] },
    { key: 'tier', operator: 'NotIn', values: ['gold', 'silver'] },
    { key: 'tier', operator: 'Exists' },
    { key: 'tier', operator: 'DoesNotExist', values: [] },
  ),
  of({ key: 'tier', operator: 'In' }, { key: 'tier', operator: 'Exists', values: ['gold'] }),
)
const selector = fc.record({
  matchLabels: mostly<object | undefined>(of({ mail: 'yes' }), of(undefined, {})),
  matchExpressions: maybe(fc.array(expression, { maxLength: 2 })),
})
const namespaces = fc.record({
  from: maybe(of('Same', 'All')),
  selector: mostly<object | undefined>(of(undefined), selector),
})
const selected = fc.record({
  from: of('Selector'),
  selector: mostly<object | undefined>(selector, of(undefined, {}, { matchLabels: {}, matchExpressions: [] })),
})
const consent = fc.oneof(namespaces, selected)
const networks = mostly(
  fc.subarray(['192.0.2.0/24', '10.0.0.0/10', '2001:db8::/32']),
  fc.subarray(['192.0.2.0/24', '0.0.0.0/0', '::/0']),
)

const smarthost = fc.record({
  host: mostly(of('smtp.example.net', '192.0.2.25', '2001:db8::25'), of('169.254.169.254', 'fe80::1')),
  port: maybe(of(25, 465)),
  tls: maybe(
    fc.record({
      mode: mostly<string | undefined>(of(undefined, 'StartTLS', 'Implicit'), of('Opportunistic', 'Disabled')),
    }),
  ),
  authRef: maybe(of({ name: 'login' })),
})
const smarthosts = fc.array(smarthost, { minLength: 1, maxLength: 2 }).map(numbered)
const match = fc.record({
  senderDomains: mostly<string[] | undefined>(of(['a.example']), of(undefined, [])),
  recipientDomains: maybe(of<string[]>([], ['b.example'])),
  credentialSelector: maybe(selector),
})
const special = fc.record({ match: mostly<object | undefined>(match, of(undefined)), smarthosts })
const catchAll = fc.record({ match: mostly<object | undefined>(of(undefined, {}), match), smarthosts })
const routes = mostly(
  fc.tuple(fc.array(special, { maxLength: 2 }), catchAll).map(([some, last]) => numbered([...some, last])),
  of([]),
)

const recipients = fc.oneof(
  fc.record({ mode: mostly(of('Capture'), of('Unrestricted', 'Redirect', 'AllowList')) }),
  fc.record({
    mode: of('AllowList'),
    allow: mostly<object>(of({ domains: ['a.example'] }, { addresses: ['qa@a.example'] }), of({})),
  }),
  fc.record({ mode: of('Redirect'), redirectTo: of('qa@a.example') }),
  of({}, undefined),
)

const policy = fc.record({
  environment,
  listeners: mostly(fc.subarray([465, 587, 2525], { minLength: 1 }), of([587, 587])).map((ports) =>
    numbered(ports.map((port) => ({ port }))),
  ),
  recipients,
  routes,
  admission: maybe(
    fc.record({
      networks: maybe(fc.record({ allow: networks, deny: networks })),
      credentials: maybe(fc.record({ namespaces: consent })),
    }),
  ),
})
const domain = fc.record({ domain: of('mail.example.org'), environment, allowedNamespaces: maybe(consent) })
const credential = networks.map((allow) => ({ ...credentialSpec, networks: { allow } }))

const as = (kind: string, spec: fc.Arbitrary<object>): fc.Arbitrary<Specified> => spec.map((s) => ({ kind, spec: s }))

export const arbitraryObject: fc.Arbitrary<Specified> = fc.oneof(
  { weight: 4, arbitrary: as('RelayPolicy', policy) },
  { weight: 1, arbitrary: as('SenderDomain', domain) },
  { weight: 1, arbitrary: as('RelayCredential', credential) },
)
