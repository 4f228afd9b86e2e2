/**
 * RelayCredential, which an application team writes: one application's right to submit mail to a policy's fleet, as certain
 * domains.
 */
import { clientCertificate } from './client-certificate.ts'
import { durationMs } from './duration.ts'
import * as fields from './fields.ts'
import { narrowing, networkList } from './networks.ts'
import { relayCredentialStatus as status } from './relay-credential-status.ts'
import type { CrossFieldRule, FromSchema, Kind, ObjectSchema } from './schema.ts'

const annotations = {
  type: 'object',
  maxProperties: 32,
  description: 'Annotations that the binding Secret gets.',
  additionalProperties: { type: 'string', maxLength: 1024 },
} as const

const labels = {
  type: 'object',
  maxProperties: 32,
  description: 'Labels that the binding Secret gets.',
  additionalProperties: fields.labelValue,
} as const

const spec = {
  type: 'object',
  required: ['policyRef', 'senderDomainRefs'],
  properties: {
    policyRef: fields.crossNamespaceReference('The RelayPolicy whose fleet this credential submits to.'),
    senderDomainRefs: {
      type: 'array',
      minItems: 1,
      maxItems: 32,
      description:
        'The domains that this credential sends as. Each SenderDomain has to admit the namespace of the credential.',
      items: fields.crossNamespaceReference('A SenderDomain that this credential sends as.'),
    },
    identities: {
      type: 'object',
      default: {},
      description:
        'The addresses that it may send as. They narrow what the domains allow, and never widen it; empty: all that they allow.',
      properties: {
        addresses: {
          type: 'array',
          maxItems: 64,
          default: [],
          items: fields.address,
          description: 'It may send only as these addresses. Empty: as every address that its domains allow.',
        },
      },
    },
    type: {
      type: 'string',
      maxLength: 32,
      enum: ['Password', 'ServiceAccountToken', 'ClientCertificate'],
      default: 'Password',
      description:
        'How the application logs in. Password: one that is made for it, in a binding Secret. ServiceAccountToken: the token of its pod. ClientCertificate: a certificate of its own. It can not be changed.',
    },
    serviceAccounts: {
      type: 'array',
      maxItems: 32,
      default: [],
      description:
        "For type ServiceAccountToken: the service accounts whose tokens are accepted, all of the credential's own namespace.",
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['name'],
      items: fields.nameReference('The name of a service account as which pods of the application run.'),
    },
    clientCertificate,
    networks: {
      type: 'object',
      default: {},
      description: 'Networks from which this credential may be used. Empty: from wherever the policy admits clients.',
      properties: {
        allow: {
          ...networkList,
          description:
            'It may be used only from these networks, in CIDR form. Empty: from wherever the policy admits clients.',
        },
      },
    },
    recipients: {
      type: 'object',
      default: {},
      description: 'Domains to which this credential may send. Empty: to whomever the policy allows.',
      properties: {
        domains: {
          ...fields.domainNames,
          description:
            'It may send only to these very domains, without their subdomains, and without %, ! or @ in the local part, which name another host. Empty: to whomever the policy allows.',
        },
      },
    },
    limits: {
      type: 'object',
      description:
        'How much it may send, through all relays of the fleet together. Every recipient of a message counts as one.',
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
          description:
            'How many recipients it may send to in a given time. After a pause, so many may be sent to at once.',
          properties: {
            count: {
              type: 'integer',
              format: 'int32',
              minimum: 1,
              maximum: 1_000_000,
              description: 'How many recipients it may send to within per. More are refused for now (450).',
            },
            per: {
              ...fields.duration,
              description: 'The time in which so many recipients may be sent to: 1s to 1h; for a whole day use daily.',
            },
          },
        },
        warnAt: {
          type: 'integer',
          format: 'int32',
          minimum: 1,
          maximum: 100,
          default: 80,
          description: 'The percentage of daily from which on the credential has the condition QuotaApproaching.',
        },
      },
    },
    rotation: {
      type: 'object',
      default: {},
      description: 'When the password in the Secret is replaced, and how long an earlier one is still accepted.',
      properties: {
        every: {
          ...fields.duration,
          description: 'How old a password becomes before it is replaced. Absent: it is replaced only by trigger.',
        },
        overlap: {
          ...fields.durationOrNone,
          default: '48h',
          description:
            'An earlier password is accepted until nobody has used it for so long. 0s: it is refused as soon as the Secret has the new one.',
        },
        trigger: {
          type: 'string',
          maxLength: 64,
          description:
            'Changing this text replaces the password now, and ends every earlier one that was still accepted beside the newest.',
        },
      },
    },
    secretTemplate: {
      type: 'object',
      default: {},
      description: "Name, labels and annotations of the binding Secret. Without a name, it has the credential's.",
      properties: {
        name: {
          ...fields.objectName,
          description: 'The name of the binding Secret. Absent: the name of the credential.',
        },
        labels,
        annotations,
      },
    },
    expiresAt: {
      type: 'string',
      maxLength: 64,
      format: 'date-time',
      description: 'From this moment on logins are refused, e.g. 2027-01-31T00:00:00Z. Absent: it does not expire.',
    },
    suspended: { ...fields.suspended, description: 'While this is true, logins are refused.' },
  },
} as const satisfies ObjectSchema

export type RelayCredentialSpec = FromSchema<typeof spec>

const relayCredentialRules: readonly CrossFieldRule<RelayCredentialSpec>[] = [
  {
    field: 'spec.serviceAccounts',
    cel: "(self.type == 'ServiceAccountToken') == (self.serviceAccounts.size() > 0)",
    message:
      'type ServiceAccountToken needs one service account or more, and any other type has none: name one, or take serviceAccounts away',
    holds: (s) => (s.type === 'ServiceAccountToken') === s.serviceAccounts.length > 0,
  },
  {
    field: 'spec.clientCertificate',
    cel: "(self.type == 'ClientCertificate') == has(self.clientCertificate)",
    message: 'type ClientCertificate needs clientCertificate, and any other type has none: add it, or take it away',
    holds: (s) => (s.type === 'ClientCertificate') === (s.clientCertificate !== undefined),
  },
  {
    field: 'spec.clientCertificate.subjectAltNames',
    cel: '!has(self.clientCertificate) || self.clientCertificate.subjectAltNames.uris.size() + self.clientCertificate.subjectAltNames.dnsNames.size() + self.clientCertificate.subjectAltNames.emailAddresses.size() > 0',
    message: 'name at least one subject alternative name under uris, dnsNames or emailAddresses',
    holds: ({ clientCertificate: c }) => c === undefined || Object.values(c.subjectAltNames).some((n) => n.length > 0),
  },
  {
    field: 'spec.secretTemplate',
    cel: "self.type == 'Password' || !(has(self.secretTemplate.name) || has(self.secretTemplate.labels) || has(self.secretTemplate.annotations))",
    message: 'only a credential of type Password has a Secret; take secretTemplate away',
    holds: ({ type, secretTemplate }) => type === 'Password' || Object.keys(secretTemplate).length === 0,
  },
  narrowing('networks.allow', (s) => s.networks.allow),
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
