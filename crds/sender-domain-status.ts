/** The status of a SenderDomain: who uses it, and how its DNS records are, as name servers and resolvers show them. */
import { dkimKeys } from './dkim.ts'
import * as fields from './fields.ts'
import type { ObjectSchema } from './schema.ts'

/** In characters. A longer value is cut in the status: the record itself can be looked up in DNS. */
export const longestRecord = 4096
/** Enough for one SPF and one DMARC record, and for a DKIM record for each key. */
export const mostRecords = 32

export const senderDomainStatus = {
  type: 'object',
  properties: {
    observedGeneration: fields.observedGeneration,
    bound: {
      type: 'object',
      description: 'How many use this domain, by the configurations that relays have or are about to get.',
      properties: {
        policies: {
          type: 'integer',
          format: 'int32',
          description: 'How many RelayPolicies have a credential that sends as this domain.',
        },
        credentials: {
          type: 'integer',
          format: 'int32',
          description: 'How many RelayCredentials may send as this domain.',
        },
      },
    },
    records: {
      type: 'array',
      maxItems: mostRecords,
      description: 'The DNS records that the domain needs, and what is in DNS.',
      items: {
        type: 'object',
        required: ['name', 'type', 'purpose', 'want', 'state', 'checkedAt'],
        properties: {
          name: { type: 'string', maxLength: 253, description: 'The whole name of the record in DNS.' },
          type: { type: 'string', maxLength: 8, enum: ['TXT', 'CNAME'], description: 'The type of the record.' },
          purpose: {
            type: 'string',
            maxLength: 16,
            enum: ['SPF', 'DKIM', 'DMARC', 'RetiredKey'],
            description: 'What the record is for. RetiredKey: a DKIM key that is retired, whose record has to go.',
          },
          want: {
            type: 'string',
            maxLength: longestRecord,
            description:
              'The whole value that the record should have. A zone file needs it in strings of at most 255 octets, as `relayfleet domain check` prints it. Empty: the record has to be removed.',
          },
          got: {
            type: 'string',
            maxLength: longestRecord,
            description:
              'The value that was found in DNS; a long one is cut. Absent: none was found, or no server has answered.',
          },
          state: {
            type: 'string',
            maxLength: 16,
            enum: ['Match', 'Missing', 'Mismatch', 'Duplicate', 'Leftover', 'Unknown'],
            description:
              'Match: as wanted. Missing: not there. Mismatch: another value. Duplicate: too many records. Leftover: the key is retired, and its record has to be removed. Unknown: no server has answered so far.',
          },
          message: {
            type: 'string',
            maxLength: longestRecord,
            description: 'What is wrong with the record, and how to mend it.',
          },
          checkedAt: {
            type: 'string',
            maxLength: 64,
            format: 'date-time',
            description: 'When a server last answered. While nothing changes, this is updated only every six hours.',
          },
        },
      },
    },
    brokenSince: {
      type: 'string',
      maxLength: 64,
      format: 'date-time',
      description:
        'Since when a record has been wrong or missing. Absent while all records are right, or nothing is known of them.',
    },
    dkimKeys,
    conditions: fields.conditions,
  },
} as const satisfies ObjectSchema
