/** The checked-in CRDs are printed from the kinds, and keep the API server's rules for structural schemas. */
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { kinds } from '../../crds/kinds.ts'
import { crdOf, fileOf, printed } from '../../crds/print.ts'
import { relayPolicy } from '../../crds/relay-policy.ts'
import type { Kind, Schema } from '../../crds/schema.ts'

describe.each(kinds.map((kind): [string, Kind] => [kind.kind, kind]))('%s', (_name, kind) => {
  test('is checked in as printed (else run `npm run crds`)', () => {
    expect(readFileSync(fileOf(kind), 'utf8')).toBe(printed(kind))
  })

  test('every string, list and map has a limit, which the cost budget of CEL rules needs', () => {
    const unlimited = [...fieldsOf(kind.spec, 'spec'), ...fieldsOf(kind.status, 'status')].filter(
      ([, schema]) =>
        (schema.type === 'string' && schema.maxLength === undefined) ||
        (schema.type === 'array' && schema.maxItems === undefined) ||
        (schema.type === 'object' && !('properties' in schema) && schema.maxProperties === undefined),
    )
    expect(unlimited.map(([field]) => field)).toEqual([])
  })

  test('every field has a description for kubectl explain, in whole sentences of at most 210 characters', () => {
    const properties = [...fieldsOf(kind.spec, 'spec'), ...fieldsOf(kind.status, 'status')].filter(
      ([field]) => field.includes('.') && !field.endsWith('[]'),
    )
    const untold = properties.filter(([, { description = '' }]) => !/^[A-Z].*[.]$/.test(description))
    expect(untold.map(([field]) => field)).toEqual([])
    const long = properties.filter(([, { description = '' }]) => description.length > 210)
    expect(long.map(([field]) => field)).toEqual([])
  })

  test('every field that a rule points to exists in the schema', () => {
    const known = new Set(fieldsOf(kind.spec, 'spec').map(([field]) => field))
    expect([...kind.rules, ...kind.immutable].map((r) => r.field).filter((f) => !known.has(f))).toEqual([])
  })

  test('the keys of a list that the API server merges by key are required in its items', () => {
    const wrong = [...fieldsOf(kind.spec, 'spec'), ...fieldsOf(kind.status, 'status')].filter(([, schema]) => {
      if (schema.type !== 'array') return false
      const required = schema.items.type === 'object' && 'required' in schema.items ? (schema.items.required ?? []) : []
      return (schema['x-kubernetes-list-map-keys'] ?? []).some((key) => !required.includes(key))
    })
    expect(wrong.map(([field]) => field)).toEqual([])
  })
})

test('a listener has no TLS mode but StartTLS and Implicit, so that none takes mail in plaintext', () => {
  const modes = fieldsOf(relayPolicy.spec, 'spec').filter(([field]) => /^spec\.listeners\b.*\.tls\.mode$/.test(field))
  expect(modes).toEqual([['spec.listeners[].tls.mode', expect.objectContaining({ enum: ['StartTLS', 'Implicit'] })]])
})

test('each kind has the plural, short and category names that people type at kubectl', () => {
  expect(kinds.map((k) => crdOf(k).spec.names)).toMatchObject([
    { plural: 'relaypolicies', shortNames: ['rpol'], categories: ['relayfleet'] },
    { plural: 'senderdomains', shortNames: ['sdom'], categories: ['relayfleet'] },
    { plural: 'relaycredentials', shortNames: ['rcred'], categories: ['relayfleet'] },
  ])
})

test('the CRD of RelayCredential is labelled as a provisioned service, and RelayPolicy has the scale subresource', () => {
  const [policy, , credential] = kinds.map((k) => crdOf(k))
  expect(credential?.metadata.labels).toHaveProperty(['servicebinding.io/provisioned-service'], 'true')
  expect(policy?.spec.versions[0]?.subresources).toEqual({
    status: {},
    scale: {
      specReplicasPath: '.spec.replicas',
      statusReplicasPath: '.status.replicas',
      labelSelectorPath: '.status.selector',
    },
  })
})

function fieldsOf(schema: Schema, field: string): readonly (readonly [string, Schema])[] {
  const here: readonly [string, Schema] = [field, schema]
  if (schema.type === 'array') return [here, ...fieldsOf(schema.items, `${field}[]`)]
  if (schema.type !== 'object' || !('properties' in schema)) return [here]
  return [here, ...Object.entries(schema.properties).flatMap(([name, inner]) => fieldsOf(inner, `${field}.${name}`))]
}
