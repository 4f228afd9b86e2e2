/** The status of a RelayCredential: where its binding is, which of its passwords count, and how much of its limits is used. */
import * as fields from './fields.ts'
import type { ObjectSchema } from './schema.ts'

const moment = { type: 'string', maxLength: 64, format: 'date-time' } as const

export const relayCredentialStatus = {
  type: 'object',
  properties: {
    observedGeneration: fields.observedGeneration,
    configMap: fields.nameReference(
      'Where the application logs in with a token or a certificate of its own: the ConfigMap with everything else that a binding has.',
    ),
    binding: fields.nameReference(
      'The binding Secret, from which the application has host, port, username and password. Absent: there is none of this credential.',
    ),
    username: {
      type: 'string',
      maxLength: 320,
      description: 'The name by which the credential logs in: <name>.<namespace>.',
    },
    keys: {
      type: 'array',
      maxItems: 8,
      description: 'The passwords that relays accept or are about to learn, only as digests.',
      items: {
        type: 'object',
        required: ['id', 'verifier'],
        properties: {
          id: { type: 'string', maxLength: 64, description: 'The id of the password, also in logs.' },
          state: {
            type: 'string',
            maxLength: 16,
            enum: ['Pending', 'Active', 'Retiring'],
            description:
              'Pending: the relays are learning it, and the Secret has it after that. Active: the one in the Secret. Retiring: an earlier one that is still accepted.',
          },
          verifier: {
            type: 'string',
            maxLength: 128,
            description: 'The digest by which relays recognise the password, as sha256:<64 hexadecimal digits>.',
          },
          createdAt: { ...moment, description: 'When the password was made.' },
          replacedAt: { ...moment, description: 'Since when it is Retiring, because a newer one is in the Secret.' },
          expiresAt: {
            ...moment,
            description: 'When a Retiring one is refused at the latest, even if somebody still uses it.',
          },
          trigger: { type: 'string', maxLength: 64, description: 'The spec.rotation.trigger for which it was made.' },
          lastUsedAt: {
            ...moment,
            description: 'When it was last used, rounded down: to the minute for a Retiring one, else to the hour.',
          },
          lastUsedFrom: {
            type: 'object',
            required: ['network'],
            description: 'The network of the client that used it last: a /24 of IPv4 or a /64 of IPv6.',
            properties: {
              network: { type: 'string', maxLength: 64, description: 'The network in CIDR form, e.g. 192.0.2.0/24.' },
            },
          },
        },
      },
    },
    usage: {
      type: 'object',
      required: ['day', 'today'],
      description: 'How much of spec.limits is used; updated about once a minute.',
      properties: {
        day: { type: 'string', maxLength: 10, description: 'The UTC day that is counted.' },
        today: {
          type: 'integer',
          format: 'int64',
          description: 'How many recipients were accepted on that day, rounded down: the first two digits are exact.',
        },
        remaining: {
          type: 'integer',
          format: 'int64',
          description: 'How many recipients of spec.limits.daily are left at most. Absent without daily.',
        },
        lastRefusal: {
          type: 'object',
          required: ['rule', 'code', 'at'],
          description: 'When one of the limits last refused mail (for now, with a 4yz reply) on that day.',
          properties: {
            rule: { type: 'string', maxLength: 64, description: 'The id of its rule, e.g. credential.limits.daily.' },
            code: { type: 'integer', format: 'int32', description: 'The code of the SMTP reply, e.g. 450.' },
            at: { ...moment, description: 'When it refused mail.' },
          },
        },
      },
    },
    conditions: fields.conditions,
  },
} as const satisfies ObjectSchema
