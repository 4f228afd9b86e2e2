/** A throttle: how much mail a fleet takes in a time of each credential, namespace or sender domain, and what becomes of more. */
import { durationMs } from './duration.ts'
import * as fields from './fields.ts'
import type { CrossFieldRule, FromSchema, ListSchema } from './schema.ts'

const most = 1_000_000

export const throttles = {
  type: 'array',
  maxItems: 16,
  default: [],
  description: 'How much the fleet takes in a time. Every recipient of a message counts as one; every throttle counts.',
  'x-kubernetes-list-type': 'map',
  'x-kubernetes-list-map-keys': ['name'],
  items: {
    type: 'object',
    required: ['name', 'scope', 'rate'],
    properties: {
      name: fields.entryName,
      scope: {
        type: 'array',
        minItems: 1,
        maxItems: 3,
        items: { type: 'string', maxLength: 16, enum: ['Credential', 'Namespace', 'SenderDomain'] },
        description:
          'What is counted together: the mail of each credential, of all credentials of each namespace, or with a From of each SenderDomain; of several, each combination by itself.',
      },
      rate: {
        type: 'object',
        required: ['count', 'per'],
        description: 'So many recipients in that time, steadily, through all relays of the fleet together.',
        properties: {
          count: { type: 'integer', format: 'int32', minimum: 1, maximum: most },
          per: fields.duration,
        },
      },
      burst: {
        type: 'integer',
        format: 'int32',
        minimum: 1,
        maximum: most,
        description: 'So many recipients at once after a pause; absent: as many as rate.count.',
      },
      action: {
        type: 'string',
        maxLength: 16,
        enum: ['Reject', 'Audit'],
        default: 'Reject',
        description: 'Reject: more is told to come back (450), and when; Audit: it passes, and is counted.',
      },
    },
  },
} as const satisfies ListSchema

/** As much of a policy as its throttles have to do with. */
type Throttled = { readonly throttles: FromSchema<typeof throttles> }

const hour = 3_600_000

export const throttleRules: readonly CrossFieldRule<Throttled>[] = [
  {
    field: 'spec.throttles',
    cel: "self.throttles.all(t, duration(t.rate.per) >= duration('1s') && duration(t.rate.per) <= duration('1h'))",
    message: 'the rate of a throttle is per 1s to 1h; correct rate.per',
    holds: (s) => s.throttles.every(({ rate }) => durationMs(rate.per) >= 1000 && durationMs(rate.per) <= hour),
  },
]
