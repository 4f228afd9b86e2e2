/** SenderDomain, which a domain's owner writes: a domain that credentials may send as, and which namespaces may use it. */
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
    domain: {
      ...fields.domainName,
      description: 'The domain, in lower case and with A-labels (xn--…). It can not be changed.',
    },
    environment: fields.environment,
    includeSubdomains: {
      type: 'boolean',
      default: false,
      description:
        'Whether mail may be sent as all subdomains, too. It is refused while an older SenderDomain has one of them.',
    },
    allowedNamespaces: {
      ...fields.namespaces,
      description: "The consent of the domain's owner: of which namespaces the RelayCredentials may send as it.",
    },
    localParts: {
      type: 'array',
      maxItems: 64,
      default: [],
      description:
        'The local parts that mail may be sent as, in either case; a * at the end stands for any rest. Empty: every local part but those that need quotes.',
      items: fields.localPart,
    },
    dkim,
    expect: {
      type: 'object',
      default: {},
      description:
        'Which DNS records the domain must have. They are looked up regularly, and conditions report how they are.',
      properties: {
        spf: {
          type: 'object',
          description:
            'The domain must have exactly one SPF record, which is valid and passes mail from these sources.',
          properties: {
            include: {
              type: 'array',
              maxItems: 10,
              default: [],
              items: fields.recordName,
              description:
                'Names by which mail goes out, e.g. _spf.example.net: the SPF record must include each of them, at any depth.',
            },
            addresses: {
              type: 'array',
              maxItems: 32,
              default: [],
              items: fields.cidr,
              description: 'Networks from which mail goes out, in CIDR form: the SPF record must pass all of them.',
            },
          },
        },
        dmarc: {
          type: 'object',
          description: "The domain must have a DMARC record, its own or its organisational domain's.",
          properties: {
            minimumPolicy: {
              type: 'string',
              maxLength: 16,
              enum: ['none', 'quarantine', 'reject'],
              default: 'none',
              description: 'The weakest policy that is good enough; reject is the strongest.',
            },
            reports: {
              ...fields.reportUri,
              description:
                'An address to which the record must have aggregate reports sent, e.g. mailto:dmarc@example.org. Absent: none is asked for.',
            },
          },
        },
      },
    },
    dns: {
      type: 'object',
      default: {},
      description: 'Who publishes the DNS records of the domain, and who is asked for them.',
      properties: {
        publisher: {
          type: 'string',
          maxLength: 16,
          enum: ['Manual', 'DNSEndpoint', 'CNAME'],
          default: 'Manual',
          description:
            'Manual: a person publishes what status.records wants. DNSEndpoint: external-dns publishes DKIM and DMARC, in a cluster. CNAME: a person adds aliases once; the keys are in targetZone.',
        },
        targetZone: {
          ...fields.domainName,
          description:
            'For publisher CNAME: the zone with the records of the keys, under <domain>._dkim.<zone>. external-dns publishes them where the cluster knows DNSEndpoints, and a person where it does not.',
        },
        resolvers: {
          type: 'array',
          maxItems: 8,
          default: [],
          items: fields.ipAddress,
          description:
            "Who is asked, on port 53, beside the zone's own name servers. Empty: the resolvers of the operator's pod, or in local mode those of this machine.",
        },
      },
    },
    whenBroken: {
      type: 'object',
      default: {},
      description:
        'What happens to mail from this domain when its DNS records have been broken for longer than grace, or a DKIM key can not sign.',
      properties: {
        action: {
          type: 'string',
          maxLength: 16,
          enum: ['Warn', 'Defer', 'Refuse'],
          default: 'Warn',
          description:
            'Warn: mail leaves all the same. Defer: it waits in the queue. Refuse: new mail is refused for now (451), and what is queued waits.',
        },
        grace: {
          ...fields.duration,
          default: '24h',
          description: 'How long records may be broken before action is taken. A key that can not sign has no grace.',
        },
      },
    },
    verifyEvery: {
      ...fields.duration,
      default: '5m',
      description:
        'How often the records are looked up while something is wrong with them, from 1m to 24h. While all is well, it is twelve times less often.',
    },
  },
} as const satisfies ObjectSchema

export type SenderDomainSpec = FromSchema<typeof spec>

/**
 * In characters. A name in the target zone has at most 253 (RFC 1035); beside the prefix, the domain and the zone it has
 * `-prod-rsa-1` or the like, three dots and `_dkim`, which leaves so many and a few to spare.
 */
const longestTogether = 230

/**
 * In characters. The name of a record has at most 253 (RFC 1035): beside the prefix and the domain, that of a key has
 * `-prod-20270115-rsa-k3f9x._domainkey.`, and that of DMARC `_dmarc.`.
 */
const longestWithKey = 217
const longestWithDmarc = 246

const nameRules: readonly CrossFieldRule<SenderDomainSpec>[] = [
  {
    field: 'spec.dkim.selectorPrefix',
    cel: `!has(self.dkim) || self.dkim.mode != 'Managed' || has(self.dns.targetZone) || size(self.domain) + size(self.dkim.selectorPrefix) <= ${longestWithKey}`,
    message: `domain and selectorPrefix may have at most ${longestWithKey} characters together, as the DNS name of a key has at most 253: shorten the prefix, or sign as a domain with a shorter name`,
    holds: ({ domain, dns, dkim: keys }) =>
      keys?.mode !== 'Managed' ||
      dns.targetZone !== undefined ||
      domain.length + keys.selectorPrefix.length <= longestWithKey,
  },
  {
    field: 'spec.expect.dmarc',
    cel: `!has(self.expect.dmarc) || size(self.domain) <= ${longestWithDmarc}`,
    message: `a domain of more than ${longestWithDmarc} characters can not have a DMARC record of its own, as a DNS name has at most 253: take dmarc away`,
    holds: ({ domain, expect }) => expect.dmarc === undefined || domain.length <= longestWithDmarc,
  },
]

const delegationRules: readonly CrossFieldRule<SenderDomainSpec>[] = [
  {
    field: 'spec.dns.targetZone',
    cel: "(self.dns.publisher == 'CNAME') == has(self.dns.targetZone)",
    message:
      'publisher CNAME needs targetZone, the zone that holds the records of the keys, and no other publisher has one: add it, or take it away',
    holds: ({ dns }) => (dns.publisher === 'CNAME') === (dns.targetZone !== undefined),
  },
  {
    field: 'spec.dns.publisher',
    cel: "self.dns.publisher != 'CNAME' || (has(self.dkim) && self.dkim.mode != 'Provided')",
    message:
      'publisher CNAME needs keys that the operator makes: set spec.dkim.mode to Managed, or choose another publisher',
    holds: ({ dns, dkim: keys }) => dns.publisher !== 'CNAME' || (keys !== undefined && keys.mode !== 'Provided'),
  },
  {
    field: 'spec.dns.targetZone',
    cel: `!has(self.dns.targetZone) || !has(self.dkim) || size(self.domain) + size(self.dns.targetZone) + size(self.dkim.selectorPrefix) <= ${longestTogether}`,
    message: `domain, targetZone and selectorPrefix may have at most ${longestTogether} characters together, as a DNS name has at most 253: shorten one of them`,
    holds: ({ domain, dns, dkim: keys }) =>
      domain.length + (dns.targetZone?.length ?? 0) + (keys?.selectorPrefix.length ?? 0) <= longestTogether ||
      dns.targetZone === undefined ||
      keys === undefined,
  },
]

const senderDomainRules: readonly CrossFieldRule<SenderDomainSpec>[] = [
  ...consentRules<SenderDomainSpec>('spec.allowedNamespaces', (s) => s.allowedNamespaces),
  ...dkimRules,
  ...nameRules,
  ...delegationRules,
  {
    field: 'spec.verifyEvery',
    cel: "duration(self.verifyEvery) >= duration('1m') && duration(self.verifyEvery) <= duration('24h')",
    message: 'verifyEvery must be between 1m and 24h: name servers must not be asked more often',
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
