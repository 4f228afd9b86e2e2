/** The validation of a YAML directory gives the expected verdict on every sample, and messages that say what to change. */
import { describe, expect, test } from 'vitest'
import { forms } from '../../crds/forms.ts'
import { kinds } from '../../crds/kinds.ts'
import { relayCredential } from '../../crds/relay-credential.ts'
import { relayPolicy } from '../../crds/relay-policy.ts'
import type { Kind, Schema } from '../../crds/schema.ts'
import { senderDomain } from '../../crds/sender-domain.ts'
import { type Problem, statusProblems, validate } from '../../crds/validate.ts'
import { certificate, credentialSpec, domainSpec, policySpec, route, smarthost, type Verdict } from './samples.ts'
import { verdicts } from './verdicts.ts'

const kindOf = (name: Verdict['kind']): Kind => {
  const kind = kinds.find((k) => k.kind === name)
  if (kind === undefined) throw new Error(`no kind ${name}`)
  return kind
}
const object = (kind: string, spec: unknown, name = 'shared') => ({
  apiVersion: 'relayfleet.dev/v1alpha1',
  kind,
  metadata: { name },
  spec,
})
const problemsOf = (kind: Kind, spec: unknown, name?: string): readonly Problem[] => {
  const result = validate(kind, object(kind.kind, spec, name))
  return result.ok ? [] : result.problems
}
const plain = (spec: object): unknown => JSON.parse(JSON.stringify(spec))

const outcome = ({ refused }: Verdict): string => (refused === undefined ? 'accepted' : `refused at ${refused}`)

test.each(verdicts.map((v): [string, string, Verdict] => [v.name, outcome(v), v]))('%s: %s', (_name, _outcome, {
  kind,
  spec,
  metadataName,
  refused,
}) => {
  const fields = problemsOf(kindOf(kind), plain(spec), metadataName).map((p) => p.field)
  expect(fields).toEqual(refused === undefined ? [] : [refused])
})

test('every rule of every kind is broken by at least one sample', () => {
  const messages = new Set(
    verdicts.flatMap((v) => problemsOf(kindOf(v.kind), plain(v.spec), v.metadataName)).map((p) => p.message),
  )
  const rules = kinds.flatMap((k: Kind) => k.rules.map((r) => `${k.kind} ${r.field}: ${r.message}`))
  expect(rules.filter((r) => !messages.has(r.slice(r.indexOf(': ') + 2)))).toEqual([])
})

test('an object with its required fields only gets every default', () => {
  expect(validate(relayPolicy, object('RelayPolicy', policySpec))).toMatchObject({
    ok: true,
    spec: {
      replicas: 2,
      listeners: [{ tls: { mode: 'StartTLS', minVersion: '1.2' }, bareNewlines: 'Reject' }],
      admission: { credentials: { namespaces: { from: 'Same' } }, networks: { allow: [], deny: [] } },
      senderRules: { envelopeFrom: { enforcement: 'Enforce' }, nullReversePath: 'AllowForCredential' },
      routes: [{ smarthosts: [{ port: 587, tls: { mode: 'StartTLS' } }] }],
      evidence: { addresses: 'Hash' },
      suspended: false,
    },
  })
  expect(validate(senderDomain, object('SenderDomain', domainSpec))).toMatchObject({
    ok: true,
    spec: { allowedNamespaces: { from: 'Same' }, includeSubdomains: false },
  })
  expect(validate(relayCredential, object('RelayCredential', credentialSpec))).toMatchObject({
    ok: true,
    spec: { type: 'Password', suspended: false },
  })
})

test('validation does not change the object that it is given', () => {
  const given = object('RelayPolicy', policySpec)
  const before = structuredClone(given)
  validate(relayPolicy, given)
  expect(given).toEqual(before)
})

const message = (kind: Kind, spec: unknown): string | undefined => problemsOf(kind, spec)[0]?.message

describe('a message says what to change', () => {
  test.each([
    ['a misspelt field', { ...policySpec, lisener: [] }, 'there is no field "lisener"; did you mean "listeners"?'],
    [
      'a field with a wrong capital',
      { ...policySpec, Replicas: 1 },
      'there is no field "Replicas"; did you mean "replicas"?',
    ],
    [
      'a misspelt value',
      { ...policySpec, environment: 'production' },
      '"production" is not one of Production, NonProduction; did you mean "Production"?',
    ],
    [
      'a number that should be text',
      { ...policySpec, listeners: [{ name: 'a', port: 1, tls: { minVersion: 1.2 } }] },
      'must be text; write it in quotes: "1.2"',
    ],
    [
      'a duration without a unit, which quotes alone would not mend',
      { ...policySpec, queue: { maxAge: 300 } },
      '300 is not a duration between 1ms and ten years, like 30s, 5m or 1h30m',
    ],
    [
      'text that should be a number',
      { ...policySpec, replicas: '3' },
      'must be a whole number; write it without quotes',
    ],
    ['an empty field', { ...policySpec, admission: null }, 'is empty; give it a value, or remove the field'],
    [
      'a missing field',
      { listeners: policySpec.listeners, routes: policySpec.routes },
      'environment is missing and has no default; add it',
    ],
    [
      'a malformed network',
      { ...policySpec, admission: { networks: { allow: ['x/8'] } } },
      '"x/8" is not a network, like 198.51.100.0/24 or 2001:db8::/64',
    ],
    [
      'a malformed duration',
      { ...policySpec, queue: { maxAge: '5 min' } },
      '"5 min" is not a duration between 1ms and ten years, like 30s, 5m or 1h30m',
    ],
    ['a number too large', { ...policySpec, replicas: 1000 }, '1000 is too large; the most is 100'],
    [
      'a name that stands twice in a list',
      {
        ...policySpec,
        listeners: [
          { name: 'a', port: 1 },
          { name: 'a', port: 2 },
        ],
      },
      '"a" stands twice in this list; give each entry a name of its own',
    ],
  ])('for %s', (_name, spec, expected) => {
    expect(message(relayPolicy, spec)).toBe(expected)
  })

  test('for a value that stands twice in a set, which an API server refuses', () => {
    const spec = { ...domainSpec, dkim: { algorithms: ['ed25519', 'ed25519'] } }
    expect(problemsOf(senderDomain, spec)).toMatchObject([
      { field: 'spec.dkim.algorithms[1]', message: '"ed25519" stands twice in this list; remove one of the two' },
    ])
  })

  /** The patterns of a schema and of everything within it. */
  const patternsIn = (schema: Schema): readonly string[] => {
    if (schema.type === 'array') return patternsIn(schema.items)
    if (schema.type === 'object') {
      const inner = 'properties' in schema ? Object.values(schema.properties) : [schema.additionalProperties]
      return inner.flatMap(patternsIn)
    }
    return schema.type === 'string' && schema.pattern !== undefined ? [schema.pattern] : []
  }

  test('for a text of a wrong form: every pattern has a description in words, which is shown in its place', () => {
    expect(kinds.flatMap((k) => patternsIn(k.spec)).filter((p) => !forms.has(p))).toEqual([])
    const spec = { ...credentialSpec, ...certificate({ uris: ['x:a,URI:y:b'] }) }
    expect(message(relayCredential, spec)).toBe(
      '"x:a,URI:y:b" is not a URI with a lower-case scheme, like spiffe://corp.example/web, in ASCII, without quotes, commas, backslashes and spaces',
    )
  })

  test('for an unknown field that resembles none: the known fields are listed', () => {
    expect(message(senderDomain, { ...domainSpec, zzz: 1 })).toContain('known here: domain, environment')
  })
})

test('each of several wrong values is reported, once', () => {
  const spec = { ...policySpec, environment: 5, replicas: -1, routes: 'none' }
  expect(
    problemsOf(relayPolicy, spec)
      .map((p) => p.field)
      .toSorted(),
  ).toEqual(['spec.environment', 'spec.replicas', 'spec.routes'])
})

test.each([
  ['nothing', null],
  ['text', 'RelayPolicy'],
  ['a list', []],
  ['an empty object', {}],
  ['a spec that is a list', object('RelayPolicy', [])],
])('%s is refused as no object of our kinds', (_name, value) => {
  expect(validate(relayPolicy, value).ok).toBe(false)
})

describe('metadata, as an API server judges it', () => {
  const fieldsOf = (metadata: object): readonly string[] => {
    const result = validate(relayPolicy, {
      ...object('RelayPolicy', policySpec),
      metadata: { name: 'shared', ...metadata },
    })
    return result.ok ? [] : result.problems.map((p) => `${p.field}: ${p.message}`)
  }
  const words =
    "is not a name of letters, digits, '-', '_' and '.' inside, at most 63 characters, optionally after a lower-case domain and '/'"

  test.each([
    'a b',
    '',
    '-a',
    'a/',
    '/a',
    'a/b/c',
    'Example.org/a',
    'x'.repeat(64),
    `${'x'.repeat(254)}/a`,
  ])('the label key %j is refused', (key) => {
    expect(fieldsOf({ labels: { [key]: 'x', ok: 'y' } })).toEqual([expect.stringContaining(words)])
  })
  test.each(['a b', '', 'a/', 'x'.repeat(64)])('the annotation key %j is refused', (key) => {
    expect(fieldsOf({ annotations: { [key]: 'x' } })).toEqual([
      expect.stringContaining(words.replace(' lower-case', '')),
    ])
  })
  test('every key that Kubernetes allows is accepted', () => {
    const labels = { a: '', 'A.b_c-1': 'x', 'example.org/a': 'x', ['x'.repeat(63)]: 'x' }
    expect(fieldsOf({ labels, annotations: { ...labels, 'Example.org/A': 'any text at all\n' } })).toEqual([])
  })
})

test('in the path of a problem, a field whose name looks like a number stays text', () => {
  const spec = { ...credentialSpec, secretTemplate: { labels: { '0': 5, 'a/b~c': 6 } } }
  expect(problemsOf(relayCredential, spec).map((p) => p.path)).toEqual([
    ['spec', 'secretTemplate', 'labels', '0'],
    ['spec', 'secretTemplate', 'labels', 'a/b~c'],
  ])
})

test('a field of a status that its schema lacks is reported', () => {
  expect(statusProblems(senderDomain, { observedGeneration: 1, conditions: [] })).toEqual([])
  expect(statusProblems(senderDomain, { phase: 'Ready' }).map((p) => p.field)).toEqual(['phase'])
})

test.each<[string, object, string]>([
  ['a name that can not be turned into text', { routes: [{ ...route, name: { toString: 1 } }] }, 'spec.routes[0].name'],
  ['an IPv6 address with a zone as host', smarthost({ host: 'fe80::1%eth0' }), 'spec.routes[0].smarthosts[0].host'],
])('%s is reported as a problem, and nothing is thrown', (_name, spec, field) => {
  expect(problemsOf(relayPolicy as Kind, plain({ ...policySpec, ...spec })).map((p) => p.field)).toEqual([field])
})
