/** `spec.dkim` and `status.dkimKeys` of a SenderDomain: who makes the keys that sign its mail, and at which stage each key is. */
import { durationMs } from './duration.ts'
import { duration, nameReference } from './fields.ts'
import type { CrossFieldRule, FromSchema, ListSchema, ObjectSchema } from './schema.ts'

export const dkim = {
  type: 'object',
  description:
    'Who makes the DKIM keys that sign mail from this domain. Absent: the relays do not sign it, and in Production the condition DKIMValid says so.',
  properties: {
    mode: {
      type: 'string',
      maxLength: 16,
      enum: ['Managed', 'Provided', 'Off'],
      default: 'Managed',
      description:
        'Managed: the operator makes the keys, and a key signs as soon as its record is seen in DNS. Provided: every key of the Secret in secretRef signs. Off: the relays do not sign as this domain.',
    },
    algorithms: {
      type: 'array',
      minItems: 1,
      maxItems: 2,
      default: ['rsa2048', 'ed25519'],
      'x-kubernetes-list-type': 'set',
      description: 'For mode Managed: the kinds of keys that are made. Mail gets one signature of each kind.',
      items: { type: 'string', maxLength: 16, enum: ['rsa2048', 'ed25519'] },
    },
    rotation: {
      type: 'object',
      default: {},
      description: 'For mode Managed: when a key is replaced, and how long its record stays after that.',
      properties: {
        every: {
          ...duration,
          default: '2160h',
          description: 'How long a key signs before the next one is made; 2160h are 90 days.',
        },
        overlap: {
          ...duration,
          default: '168h',
          description:
            'How long the record of a key stays in DNS after the last relay has left the key. The longest expireAfter of any fleet is added to it.',
        },
      },
    },
    selectorPrefix: {
      type: 'string',
      minLength: 1,
      maxLength: 20,
      pattern: '^[a-z0-9]([-a-z0-9]*[a-z0-9])?$',
      default: 'rf',
      description:
        'What selectors begin with: <prefix>-<prod or test>-<day>-<kind>-<chance>, or with publisher CNAME <prefix>-<prod or test>-<kind>-<1 or 2>.',
    },
    secretRef: nameReference(
      'For mode Provided: a Secret in this namespace, labelled relayfleet.dev/dkim-key: "true" so that it may be read, with a private key (RSA or Ed25519, PEM) under each selector, with or without .pem.',
    ),
    signedBy: {
      type: 'string',
      maxLength: 16,
      enum: ['Relay', 'Smarthost'],
      default: 'Relay',
      description: 'Smarthost: the next hop signs the mail, so that mode may be Off even in Production.',
    },
  },
} as const satisfies ObjectSchema

type Spec = { readonly environment: 'Production' | 'NonProduction'; readonly dkim?: FromSchema<typeof dkim> }

export const dkimRules: readonly CrossFieldRule<Spec>[] = [
  {
    field: 'spec.dkim.rotation.every',
    cel: '!has(self.dkim) || duration(self.dkim.rotation.every) > duration(self.dkim.rotation.overlap)',
    message:
      'a key has to sign for longer than its record stays afterwards: lengthen rotation.every, or shorten rotation.overlap',
    holds: ({ dkim }) => dkim === undefined || durationMs(dkim.rotation.every) > durationMs(dkim.rotation.overlap),
  },
  {
    field: 'spec.dkim.secretRef',
    cel: "!has(self.dkim) || (self.dkim.mode == 'Provided') == has(self.dkim.secretRef)",
    message: 'mode Provided needs a secretRef, and no other mode has one: add secretRef, or take it away',
    holds: ({ dkim }) => dkim === undefined || (dkim.mode === 'Provided') === (dkim.secretRef !== undefined),
  },
  {
    field: 'spec.dkim.signedBy',
    cel: "!has(self.dkim) || self.dkim.signedBy == 'Relay' || self.dkim.mode == 'Off'",
    message: 'where the smarthost signs, the relays must not: set mode to Off, or signedBy to Relay',
    holds: ({ dkim }) => dkim === undefined || dkim.signedBy === 'Relay' || dkim.mode === 'Off',
  },
  {
    field: 'spec.dkim.mode',
    cel: "!has(self.dkim) || self.dkim.mode != 'Off' || self.environment == 'NonProduction' || self.dkim.signedBy == 'Smarthost'",
    message:
      'mail in Production has to be signed: choose another mode, or set signedBy to Smarthost if the next hop signs it',
    holds: ({ dkim, environment }) =>
      dkim?.mode !== 'Off' || environment === 'NonProduction' || dkim.signedBy === 'Smarthost',
  },
]

export const dkimKeys = {
  type: 'array',
  maxItems: 128,
  description: 'The DKIM keys of the domain, and the stage of each of them.',
  'x-kubernetes-list-type': 'map',
  'x-kubernetes-list-map-keys': ['selector'],
  items: {
    type: 'object',
    required: ['selector', 'algorithm', 'stage', 'since', 'publicKey'],
    properties: {
      selector: {
        type: 'string',
        maxLength: 253,
        description: 'The selector (s= in a signature). Its record is at <selector>._domainkey.<domain>.',
      },
      algorithm: { type: 'string', maxLength: 16, description: 'The kind of the key, e.g. rsa2048.' },
      stage: {
        type: 'string',
        maxLength: 16,
        enum: ['Pending', 'Published', 'Active', 'Retiring', 'Retired'],
        description:
          'Pending: its record has to be published. Published: that was seen once. Active: it signs. Retiring: it signs no more, and its record stays. Retired: its record has to be removed.',
      },
      since: { type: 'string', maxLength: 64, format: 'date-time', description: 'Since when it is at this stage.' },
      publicKey: { type: 'string', maxLength: 2048, description: 'The value of the tag p= in its DNS record.' },
      delegatedTo: {
        type: 'string',
        maxLength: 253,
        description:
          'The DNS name at which its record is; the name of its selector is a CNAME to it. Only with dns.publisher CNAME.',
      },
    },
  },
} as const satisfies ListSchema
