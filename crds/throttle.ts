/**
 * `spec.throttles`: how much mail a fleet takes in a given time from each credential, namespace or domain, and what happens to
 * more.
 */
import { durationMs } from './duration.ts'
import * as fields from './fields.ts'
import type { CrossFieldRule, FromSchema, ListSchema } from './schema.ts'

const most = 1_000_000

export const throttles = {
  type: 'array',
  maxItems: 16,
  default: [],
  description:
    'How much mail the fleet takes in a given time. Every recipient of a message counts as one. Mail has to pass all throttles.',
  'x-kubernetes-list-type': 'map',
  'x-kubernetes-list-map-keys': ['name'],
  items: {
    type: 'object',
    required: ['name', 'scope', 'rate'],
    properties: {
      name: { ...fields.entryName, description: 'The name of the throttle in replies, logs and metrics.' },
      scope: {
        type: 'array',
        minItems: 1,
        maxItems: 3,
        items: { type: 'string', maxLength: 16, enum: ['Credential', 'Namespace', 'SenderDomain'] },
        description:
          'What is counted together: the mail of each credential, of all credentials of a namespace, or with a From of one SenderDomain. With several scopes, each combination is counted by itself.',
      },
      rate: {
        type: 'object',
        required: ['count', 'per'],
        description: 'How many recipients are taken in a given time, by all relays of the fleet together.',
        properties: {
          count: {
            type: 'integer',
            format: 'int32',
            minimum: 1,
            maximum: most,
            description: 'How many recipients are taken within per.',
          },
          per: { ...fields.duration, description: 'The time in which so many recipients are taken, 1s to 1h.' },
        },
      },
      burst: {
        type: 'integer',
        format: 'int32',
        minimum: 1,
        maximum: most,
        description: 'How many recipients are taken at once after a pause. Absent: as many as rate.count.',
      },
      action: {
        type: 'string',
        maxLength: 16,
        enum: ['Reject', 'Audit'],
        default: 'Reject',
        description:
          'Reject: more mail is refused for now (450), and the reply says when to come back. Audit: more mail passes, and is counted.',
      },
    },
  },
} as const satisfies ListSchema

/** The part of a policy that these rules read. */
type Throttled = { readonly throttles: FromSchema<typeof throttles> }

const hour = 3_600_000

export const throttleRules: readonly CrossFieldRule<Throttled>[] = [
  {
    field: 'spec.throttles',
    cel: "self.throttles.all(t, duration(t.rate.per) >= duration('1s') && duration(t.rate.per) <= duration('1h'))",
    message: 'rate.per of a throttle must be between 1s and 1h',
    holds: (s) => s.throttles.every(({ rate }) => durationMs(rate.per) >= 1000 && durationMs(rate.per) <= hour),
  },
]
