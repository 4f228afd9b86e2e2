/** SenderDomain: the domain owner's; a domain that credentials may send as, and which namespaces have consent. */
import { dkim, dkimRules } from './dkim.ts'
import { durationMs } from './duration.ts'
import * as fields from './fields.ts'
import type { CrossFieldRule, FromSchema, Kind, ObjectSchema } from './schema.ts'
import { consentRules } from './selector-rules.ts'
import { senderDomainStatus } from './sender-domain-status.ts'

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
    dkim,
    expect: {
      type: 'object',
      default: {},
      description:
        'Which DNS records the domain has to have; they are looked at, and the conditions tell how they are.',
      properties: {
        spf: {
          type: 'object',
          description: 'One SPF record that receivers can use, and that mail from these passes.',
          properties: {
            include: { type: 'array', maxItems: 10, default: [], items: fields.recordName },
            addresses: { type: 'array', maxItems: 32, default: [], items: fields.cidr },
          },
        },
        dmarc: {
          type: 'object',
          description: "A DMARC record, its own or its organisational domain's.",
          properties: {
            minimumPolicy: { type: 'string', maxLength: 16, enum: ['none', 'quarantine', 'reject'], default: 'none' },
            reports: fields.reportUri,
          },
        },
      },
    },
    dns: {
      type: 'object',
      default: {},
      properties: {
        publisher: { type: 'string', maxLength: 16, enum: ['Manual', 'DNSEndpoint', 'CNAME'], default: 'Manual' },
        targetZone: {
          ...fields.domainName,
          description:
            'For CNAME: the zone in which the records of its keys are. Their names in it end in <domain>._dkim.<zone>, so that no two domains have one.',
        },
        resolvers: { type: 'array', maxItems: 8, default: [], items: fields.ipAddress },
      },
    },
    whenBroken: {
      type: 'object',
      default: {},
      description: 'What becomes of its mail when its records have been broken for too long, or a key can not sign.',
      properties: {
        action: { type: 'string', maxLength: 16, enum: ['Warn', 'Defer', 'Refuse'], default: 'Warn' },
        grace: { ...fields.duration, default: '24h' },
      },
    },
    verifyEvery: { ...fields.duration, default: '5m' },
  },
} as const satisfies ObjectSchema

export type SenderDomainSpec = FromSchema<typeof spec>

/** What a name in the target zone has beside the prefix, the domain and the zone: `-prod-rsa-1`, three dots and `_dkim`, with some room. */
const longestTogether = 230

const delegationRules: readonly CrossFieldRule<SenderDomainSpec>[] = [
  {
    field: 'spec.dns.targetZone',
    cel: "(self.dns.publisher == 'CNAME') == has(self.dns.targetZone)",
    message: 'publisher CNAME needs a targetZone, where the records of its keys are, and no other publisher has one',
    holds: ({ dns }) => (dns.publisher === 'CNAME') === (dns.targetZone !== undefined),
  },
  {
    field: 'spec.dns.publisher',
    cel: "self.dns.publisher != 'CNAME' || (has(self.dkim) && self.dkim.mode != 'Provided')",
    message: 'publisher CNAME delegates the selectors of keys that are made here: set spec.dkim.mode to Managed',
    holds: ({ dns, dkim: keys }) => dns.publisher !== 'CNAME' || (keys !== undefined && keys.mode !== 'Provided'),
  },
  {
    field: 'spec.dns.targetZone',
    cel: `!has(self.dns.targetZone) || !has(self.dkim) || size(self.domain) + size(self.dns.targetZone) + size(self.dkim.selectorPrefix) <= ${longestTogether}`,
    message: `the domain, the targetZone and the selectorPrefix have ${longestTogether} characters together at most: a name has 253`,
    holds: ({ domain, dns, dkim: keys }) =>
      domain.length + (dns.targetZone?.length ?? 0) + (keys?.selectorPrefix.length ?? 0) <= longestTogether ||
      dns.targetZone === undefined ||
      keys === undefined,
  },
]

const senderDomainRules: readonly CrossFieldRule<SenderDomainSpec>[] = [
  ...consentRules<SenderDomainSpec>('spec.allowedNamespaces', (s) => s.allowedNamespaces),
  ...dkimRules,
  ...delegationRules,
  {
    field: 'spec.verifyEvery',
    cel: "duration(self.verifyEvery) >= duration('1m') && duration(self.verifyEvery) <= duration('24h')",
    message: 'records are looked at every 1m to 24h; name servers are not ours alone',
    holds: ({ verifyEvery }) => durationMs(verifyEvery) >= 60_000 && durationMs(verifyEvery) <= 86_400_000,
  },
]

export const senderDomain: Kind<SenderDomainSpec> = {
  kind: 'SenderDomain',
  plural: 'senderdomains',
  singular: 'senderdomain',
  shortName: 'sdom',
  description: 'A domain that mail may be sent as, and the namespaces that may do so.',
  spec,
  status: senderDomainStatus,
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
    { name: 'SPF', type: 'string', jsonPath: '.status.conditions[?(@.type=="SPFValid")].status' },
    { name: 'DKIM', type: 'string', jsonPath: '.status.conditions[?(@.type=="DKIMValid")].status' },
    { name: 'DMARC', type: 'string', jsonPath: '.status.conditions[?(@.type=="DMARCValid")].status' },
    ...fields.readyColumns,
  ],
}
