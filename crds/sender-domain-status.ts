/** The status of a SenderDomain: who uses it, and how its DNS records are, by what name servers and resolvers show. */
import { dkimKeys } from './dkim.ts'
import * as fields from './fields.ts'
import type { ObjectSchema } from './schema.ts'

/** What is longer is cut: the record itself can be asked for. */
export const longestRecord = 4096
/** An SPF and a DMARC record, and some keys. */
export const mostRecords = 32

export const senderDomainStatus = {
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
    records: {
      type: 'array',
      maxItems: mostRecords,
      description: 'What the domain needs in DNS, and what is there.',
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
              'The whole value; a zone file has it in strings of 255 octets (`relayfleet domain check`). Empty: the record has to go.',
          },
          got: { type: 'string', maxLength: longestRecord },
          state: {
            type: 'string',
            maxLength: 16,
            enum: ['Match', 'Missing', 'Mismatch', 'Duplicate', 'Leftover', 'Unknown'],
            description:
              'Leftover: its key is retired, and it has to be taken out of the zone. Unknown: nobody has answered so far.',
          },
          message: { type: 'string', maxLength: longestRecord, description: 'What is wrong, and how to mend it.' },
          checkedAt: {
            type: 'string',
            maxLength: 64,
            format: 'date-time',
            description: 'When somebody last answered; while nothing changes it is written every six hours.',
          },
        },
      },
    },
    brokenSince: {
      type: 'string',
      maxLength: 64,
      format: 'date-time',
      description: 'Since when a record has not been as it has to be; absent while all are, or nobody knows.',
    },
    dkimKeys,
    conditions: fields.conditions,
  },
} as const satisfies ObjectSchema
