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
      properties: {
        policies: { type: 'integer', format: 'int32' },
        credentials: { type: 'integer', format: 'int32' },
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
          name: { type: 'string', maxLength: 253 },
          type: { type: 'string', maxLength: 8, enum: ['TXT', 'CNAME'] },
          purpose: { type: 'string', maxLength: 16, enum: ['SPF', 'DKIM', 'DMARC', 'RetiredKey'] },
          want: {
            type: 'string',
            maxLength: longestRecord,
            description:
              'The whole value that the record should have. A zone file needs it in strings of at most 255 octets, as `relayfleet domain check` prints it. Empty: the record has to be removed.',
          },
          got: { type: 'string', maxLength: longestRecord },
          state: {
            type: 'string',
            maxLength: 16,
            enum: ['Match', 'Missing', 'Mismatch', 'Duplicate', 'Leftover', 'Unknown'],
            description:
              'Leftover: the key is retired, and its record has to be removed from the zone. Unknown: no server has answered so far.',
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
