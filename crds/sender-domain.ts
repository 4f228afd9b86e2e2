/** SenderDomain: the domain owner's; a domain that credentials may send as, and which namespaces have consent. */
import * as fields from './fields.ts'
import type { FromSchema, Kind, ObjectSchema } from './schema.ts'
import { consentRules } from './selector-rules.ts'

const spec = {
  type: 'object',
  required: ['domain', 'environment'],
  properties: {
    domain: { ...fields.domainName, description: 'In lower case, in its A-label form (xn--…).' },
    environment: fields.environment,
    includeSubdomains: { type: 'boolean', default: false },
    allowedNamespaces: fields.namespaces,
    localParts: {
      type: 'array',
      maxItems: 64,
      default: [],
      description: 'Narrows the local parts; a final * stands for any rest. Empty: every local part.',
      items: fields.localPart,
    },
  },
} as const satisfies ObjectSchema

export type SenderDomainSpec = FromSchema<typeof spec>

export const senderDomainRules = consentRules<SenderDomainSpec>('spec.allowedNamespaces', (s) => s.allowedNamespaces)

const status = {
  type: 'object',
  properties: {
    observedGeneration: { type: 'integer', format: 'int64' },
    bound: {
      type: 'object',
      properties: {
        policies: { type: 'integer', format: 'int32' },
        credentials: { type: 'integer', format: 'int32' },
      },
    },
    conditions: fields.conditions,
  },
} as const satisfies ObjectSchema

export const senderDomain: Kind<SenderDomainSpec> = {
  kind: 'SenderDomain',
  plural: 'senderdomains',
  singular: 'senderdomain',
  shortName: 'sdom',
  description: 'A domain that mail may be sent as, and the namespaces that may do so.',
  spec,
  status,
  rules: senderDomainRules,
  immutable: [
    {
      field: 'spec.domain',
      cel: 'self.domain == oldSelf.domain',
      message: 'domain can not change; make a second SenderDomain',
    },
  ],
  columns: [
    { name: 'Domain', type: 'string', jsonPath: '.spec.domain' },
    { name: 'Environment', type: 'string', jsonPath: '.spec.environment' },
    { name: 'Credentials', type: 'integer', jsonPath: '.status.bound.credentials' },
    ...fields.readyColumns,
  ],
}
