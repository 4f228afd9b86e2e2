/** RelayCredential: the application team's; one application's right to submit, bound to a policy and to domains. */
import { clientCertificate } from './client-certificate.ts'
import { durationMs } from './duration.ts'
import * as fields from './fields.ts'
import type { CrossFieldRule, FromSchema, Kind, ObjectSchema } from './schema.ts'

const annotations = {
  type: 'object',
  maxProperties: 32,
  additionalProperties: { type: 'string', maxLength: 1024 },
} as const

const labels = {
  type: 'object',
  maxProperties: 32,
  additionalProperties: fields.labelValue,
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
    type: {
      type: 'string',
      maxLength: 32,
      enum: ['Password', 'ServiceAccountToken', 'ClientCertificate'],
      default: 'Password',
      description: 'What an application logs in by.',
    },
    serviceAccounts: {
      type: 'array',
      maxItems: 32,
      default: [],
      description: "With type ServiceAccountToken: whose tokens are taken; accounts of the credential's own namespace.",
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['name'],
      items: fields.nameReference,
    },
    clientCertificate,
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
    limits: {
      type: 'object',
      description:
        'How much it may send through all relays of the fleet together. Every recipient of a message counts as one.',
      properties: {
        daily: {
          type: 'integer',
          format: 'int32',
          minimum: 1,
          maximum: 100_000_000,
          description: 'Recipients in one day, which begins at midnight UTC.',
        },
        rate: {
          type: 'object',
          required: ['count', 'per'],
          description: 'So many recipients in that time, steadily; after a pause as many at once.',
          properties: {
            count: { type: 'integer', format: 'int32', minimum: 1, maximum: 1_000_000 },
            per: fields.duration,
          },
        },
        warnAt: {
          type: 'integer',
          format: 'int32',
          minimum: 1,
          maximum: 100,
          default: 80,
          description: 'Percent of daily; from there on the credential says QuotaApproaching.',
        },
      },
    },
    rotation: {
      type: 'object',
      default: {},
      description: 'When the Secret gets another password, and how long the one before is still accepted.',
      properties: {
        every: {
          ...fields.duration,
          description: 'At the latest so long after the last one; absent: only by trigger.',
        },
        overlap: {
          ...fields.durationOrNone,
          default: '48h',
          description:
            'An earlier password is accepted until nobody has used it for so long; 0s: it ends as soon as the Secret has another.',
        },
        trigger: {
          type: 'string',
          maxLength: 64,
          description:
            'Any other text than before rotates now, and ends every password that was still accepted beside the newest.',
        },
      },
    },
    secretTemplate: {
      type: 'object',
      default: {},
      description: "The binding Secret; its name is the credential's unless given.",
      properties: { name: fields.objectName, labels, annotations },
    },
    expiresAt: { type: 'string', maxLength: 64, format: 'date-time' },
    suspended: fields.suspended,
  },
} as const satisfies ObjectSchema

export type RelayCredentialSpec = FromSchema<typeof spec>

const relayCredentialRules: readonly CrossFieldRule<RelayCredentialSpec>[] = [
  {
    field: 'spec.serviceAccounts',
    cel: "(self.type == 'ServiceAccountToken') == (self.serviceAccounts.size() > 0)",
    message: 'type ServiceAccountToken names one service account or more, and any other type names none',
    holds: (s) => (s.type === 'ServiceAccountToken') === s.serviceAccounts.length > 0,
  },
  {
    field: 'spec.clientCertificate',
    cel: "(self.type == 'ClientCertificate') == has(self.clientCertificate)",
    message: 'type ClientCertificate says by clientCertificate which one, and any other type has none',
    holds: (s) => (s.type === 'ClientCertificate') === (s.clientCertificate !== undefined),
  },
  {
    field: 'spec.clientCertificate.subjectAltNames',
    cel: '!has(self.clientCertificate) || self.clientCertificate.subjectAltNames.uris.size() + self.clientCertificate.subjectAltNames.dnsNames.size() + self.clientCertificate.subjectAltNames.emailAddresses.size() > 0',
    message: 'name one subject alternative name or more: uris, dnsNames or emailAddresses',
    holds: ({ clientCertificate: c }) => c === undefined || Object.values(c.subjectAltNames).some((n) => n.length > 0),
  },
  {
    field: 'spec.secretTemplate',
    cel: "self.type == 'Password' || !(has(self.secretTemplate.name) || has(self.secretTemplate.labels) || has(self.secretTemplate.annotations))",
    message: 'only a credential of type Password has a Secret; take secretTemplate away',
    holds: ({ type, secretTemplate }) => type === 'Password' || Object.keys(secretTemplate).length === 0,
  },
  {
    field: 'spec.networks.allow',
    cel: `self.networks.allow.all(c, !c.matches('${fields.everyNetwork.source}'))`,
    message: '0.0.0.0/0, ::/0 and ::ffff:0:0/96 narrow nothing; name the networks, or leave the list empty',
    holds: (s) => !s.networks.allow.some((c) => fields.everyNetwork.test(c)),
  },
  {
    field: 'spec.limits',
    cel: '!has(self.limits) || has(self.limits.daily) || has(self.limits.rate)',
    message: 'limits without daily and rate limit nothing; give one of them, or take limits away',
    holds: ({ limits }) => limits === undefined || limits.daily !== undefined || limits.rate !== undefined,
  },
  {
    field: 'spec.limits.rate.per',
    cel: "!has(self.limits) || !has(self.limits.rate) || (duration(self.limits.rate.per) >= duration('1s') && duration(self.limits.rate.per) <= duration('1h'))",
    message: 'a rate is per 1s to 1h; for a longer time use daily',
    holds: ({ limits }) => {
      const ms = durationMs(limits?.rate?.per ?? '1s')
      return ms >= 1000 && ms <= 3_600_000
    },
  },
  {
    field: 'spec.rotation',
    cel: "self.type == 'Password' || !(has(self.rotation.every) || has(self.rotation.trigger))",
    message: 'only a credential of type Password has a password to replace; take rotation away',
    holds: ({ type, rotation }) =>
      type === 'Password' || (rotation.every === undefined && rotation.trigger === undefined),
  },
  {
    field: 'spec.rotation.every',
    cel: "!has(self.rotation.every) || duration(self.rotation.every) >= duration('10m')",
    message: 'every has to be 10m or more; for one rotation now change spec.rotation.trigger',
    holds: ({ rotation }) => rotation.every === undefined || durationMs(rotation.every) >= 600_000,
  },
  {
    field: 'spec.rotation.overlap',
    cel: '!has(self.rotation.every) || duration(self.rotation.overlap) < duration(self.rotation.every)',
    message: 'overlap has to be shorter than every; shorten overlap, or lengthen every',
    holds: ({ rotation }) => rotation.every === undefined || durationMs(rotation.overlap) < durationMs(rotation.every),
  },
]

const moment = { type: 'string', maxLength: 64, format: 'date-time' } as const

const status = {
  type: 'object',
  properties: {
    observedGeneration: { type: 'integer', format: 'int64' },
    configMap: {
      type: 'object',
      required: ['name'],
      description: 'What is in a binding beside the password, where the application brings that itself.',
      properties: { name: fields.objectName },
    },
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
          state: {
            type: 'string',
            maxLength: 16,
            enum: ['Pending', 'Active', 'Retiring'],
            description:
              'Pending: relays learn it, and the Secret gets it then. Active: the one in the Secret. Retiring: an earlier one that is still accepted.',
          },
          verifier: { type: 'string', maxLength: 128 },
          createdAt: moment,
          replacedAt: { ...moment, description: 'Since when it is Retiring.' },
          expiresAt: { ...moment, description: 'From then on a Retiring one is refused, whoever still uses it.' },
          trigger: { type: 'string', maxLength: 64, description: 'The spec.rotation.trigger that it satisfies.' },
          lastUsedAt: {
            ...moment,
            description: 'Of a Retiring one to the minute, else to the hour: it was used then or a little later.',
          },
          lastUsedFrom: {
            type: 'object',
            required: ['network'],
            description: "The client's network.",
            properties: { network: { type: 'string', maxLength: 64 } },
          },
        },
      },
    },
    usage: {
      type: 'object',
      required: ['day', 'today'],
      description: 'What is used of spec.limits, looked at once a minute.',
      properties: {
        day: { type: 'string', maxLength: 10, description: 'The UTC day that is counted.' },
        today: {
          type: 'integer',
          format: 'int64',
          description: 'At least so many recipients were accepted on that day: the first two digits are exact.',
        },
        remaining: {
          type: 'integer',
          format: 'int64',
          description: 'Of spec.limits.daily at most so many are left; absent without daily.',
        },
        lastRefusal: {
          type: 'object',
          required: ['rule', 'code', 'at'],
          description: 'The last time on that day that one of the limits refused mail for now.',
          properties: {
            rule: { type: 'string', maxLength: 64 },
            code: { type: 'integer', format: 'int32' },
            at: { type: 'string', maxLength: 64, format: 'date-time' },
          },
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
  immutable: [
    {
      field: 'spec.type',
      cel: 'self.type == oldSelf.type',
      message: 'type can not change; make a second credential, and take this one away when nobody uses it',
    },
  ],
  labels: { 'servicebinding.io/provisioned-service': 'true' },
  columns: [
    { name: 'Policy', type: 'string', jsonPath: '.spec.policyRef.name' },
    { name: 'Secret', type: 'string', jsonPath: '.status.binding.name' },
    ...fields.readyColumns,
  ],
}
