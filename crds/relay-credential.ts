/** RelayCredential: the application team's; one application's right to submit, bound to a policy and to domains. */
import * as fields from './fields.ts'
import type { CrossFieldRule, FromSchema, Kind, ObjectSchema } from './schema.ts'

const annotations = {
  type: 'object',
  maxProperties: 32,
  additionalProperties: { type: 'string', maxLength: 1024 },
} as const

const spec = {
  type: 'object',
  required: ['policyRef', 'senderDomainRefs'],
  properties: {
    policyRef: fields.crossNamespaceReference,
    senderDomainRefs: { type: 'array', minItems: 1, maxItems: 32, items: fields.crossNamespaceReference },
    identities: {
      type: 'object',
      default: {},
      description: 'Narrows what the domains allow, never widens it.',
      properties: { addresses: { type: 'array', maxItems: 64, default: [], items: fields.address } },
    },
    type: { type: 'string', maxLength: 32, enum: ['Password'], default: 'Password' },
    networks: {
      type: 'object',
      default: {},
      description: 'Narrows from where this credential may be used; empty: from wherever the policy admits.',
      properties: { allow: { type: 'array', maxItems: 64, default: [], items: fields.cidr } },
    },
    recipients: {
      type: 'object',
      default: {},
      description: 'Narrows to whom this credential may send; empty: to whomever the policy allows.',
      properties: { domains: { type: 'array', maxItems: 256, default: [], items: fields.domainName } },
    },
    secretTemplate: {
      type: 'object',
      default: {},
      description: "The binding Secret; its name is the credential's unless given.",
      properties: { name: fields.objectName, labels: annotations, annotations },
    },
    expiresAt: { type: 'string', maxLength: 64, format: 'date-time' },
    suspended: fields.suspended,
  },
} as const satisfies ObjectSchema

export type RelayCredentialSpec = FromSchema<typeof spec>

export const relayCredentialRules: readonly CrossFieldRule<RelayCredentialSpec>[] = [
  {
    field: 'spec.networks.allow',
    cel: "self.networks.allow.all(c, !c.endsWith('/0'))",
    message: '0.0.0.0/0 and ::/0 narrow nothing; name the networks, or leave the list empty',
    holds: (s) => !s.networks.allow.some((c) => c.endsWith('/0')),
  },
]

const status = {
  type: 'object',
  properties: {
    observedGeneration: { type: 'integer', format: 'int64' },
    binding: { type: 'object', required: ['name'], properties: { name: fields.objectName } },
    username: { type: 'string', maxLength: 320 },
    keys: {
      type: 'array',
      maxItems: 8,
      items: {
        type: 'object',
        required: ['id', 'verifier'],
        properties: {
          id: { type: 'string', maxLength: 64 },
          verifier: { type: 'string', maxLength: 128 },
        },
      },
    },
    conditions: fields.conditions,
  },
} as const satisfies ObjectSchema

export const relayCredential: Kind<RelayCredentialSpec> = {
  kind: 'RelayCredential',
  plural: 'relaycredentials',
  singular: 'relaycredential',
  shortName: 'rcred',
  description: 'The right of one application to submit mail, delivered to it as a Service Binding Secret.',
  spec,
  status,
  rules: relayCredentialRules,
  immutable: [],
  labels: { 'servicebinding.io/provisioned-service': 'true' },
  columns: [
    { name: 'Policy', type: 'string', jsonPath: '.spec.policyRef.name' },
    { name: 'Secret', type: 'string', jsonPath: '.status.binding.name' },
    ...fields.readyColumns,
  ],
}
