/** Who makes the keys that sign a domain's mail: what its owner writes, what has to go together in it, what its status tells. */
import { nameReference } from './fields.ts'
import type { CrossFieldRule, FromSchema, ListSchema, ObjectSchema } from './schema.ts'

export const dkim = {
  type: 'object',
  description: 'Who makes the keys that sign its mail. Absent: nothing signs it.',
  required: ['mode'],
  properties: {
    mode: {
      type: 'string',
      maxLength: 16,
      enum: ['Provided', 'Off'],
      description: 'Provided: each key of the Secret signs. Off: the relays sign nothing as this domain.',
    },
    secretRef: {
      ...nameReference,
      description:
        'A Secret in this namespace, labelled relayfleet.dev/dkim-key: "true" to say that it may be read: a private key (RSA or Ed25519, PEM) under each selector, with or without .pem.',
    },
    signedBy: {
      type: 'string',
      maxLength: 16,
      enum: ['Relay', 'Smarthost'],
      default: 'Relay',
      description: 'Smarthost: whoever the mail goes to signs it, so that it may be Off in Production.',
    },
  },
} as const satisfies ObjectSchema

type Spec = { readonly environment: 'Production' | 'NonProduction'; readonly dkim?: FromSchema<typeof dkim> }

export const dkimRules: readonly CrossFieldRule<Spec>[] = [
  {
    field: 'spec.dkim.secretRef',
    cel: "!has(self.dkim) || (self.dkim.mode == 'Provided') == has(self.dkim.secretRef)",
    message: 'mode Provided needs a secretRef, and no other mode has one',
    holds: ({ dkim }) => dkim === undefined || (dkim.mode === 'Provided') === (dkim.secretRef !== undefined),
  },
  {
    field: 'spec.dkim.signedBy',
    cel: "!has(self.dkim) || self.dkim.signedBy == 'Relay' || self.dkim.mode == 'Off'",
    message: 'where the smarthost signs, the relays do not: set mode to Off, or signedBy to Relay',
    holds: ({ dkim }) => dkim === undefined || dkim.signedBy === 'Relay' || dkim.mode === 'Off',
  },
  {
    field: 'spec.dkim.mode',
    cel: "!has(self.dkim) || self.dkim.mode != 'Off' || self.environment == 'NonProduction' || self.dkim.signedBy == 'Smarthost'",
    message: 'in Production mail is signed: choose another mode, or say signedBy: Smarthost where the next hop does it',
    holds: ({ dkim, environment }) =>
      dkim?.mode !== 'Off' || environment === 'NonProduction' || dkim.signedBy === 'Smarthost',
  },
]

export const dkimKeys = {
  type: 'array',
  maxItems: 32,
  'x-kubernetes-list-type': 'map',
  'x-kubernetes-list-map-keys': ['selector'],
  items: {
    type: 'object',
    required: ['selector', 'algorithm', 'stage', 'since', 'publicKey'],
    properties: {
      selector: { type: 'string', maxLength: 253 },
      algorithm: { type: 'string', maxLength: 16 },
      stage: { type: 'string', maxLength: 16, enum: ['Pending', 'Published', 'Active', 'Retiring', 'Retired'] },
      since: { type: 'string', maxLength: 64, format: 'date-time' },
      publicKey: { type: 'string', maxLength: 2048, description: 'What p= of its record has to be.' },
    },
  },
} as const satisfies ListSchema
