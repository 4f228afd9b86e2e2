/** `spec.listeners`: the ports on which a fleet takes mail, and by which TLS. */
import { clientCertificates } from './client-certificate.ts'
import * as fields from './fields.ts'
import type { CrossFieldRule, FromSchema, ListSchema, ObjectSchema } from './schema.ts'

const listener = {
  type: 'object',
  required: ['name', 'port'],
  properties: {
    name: { ...fields.entryName, description: 'The name of the listener in conditions, logs and metrics.' },
    port: {
      type: 'integer',
      format: 'int32',
      minimum: 1,
      maximum: 65535,
      description:
        'The port that clients connect to. In local mode a port below 1024 moves up by 2000 where this user may not open it.',
    },
    tls: {
      type: 'object',
      default: {},
      description: 'TLS is always required before AUTH and MAIL; the mode says when it starts.',
      properties: {
        mode: {
          type: 'string',
          maxLength: 16,
          enum: ['StartTLS', 'Implicit'],
          default: 'StartTLS',
          description:
            'StartTLS: TLS begins with the command STARTTLS. Implicit: with the first octet of the connection.',
        },
        minVersion: {
          type: 'string',
          maxLength: 8,
          enum: ['1.2', '1.3'],
          default: '1.2',
          description:
            'The oldest version of TLS that is accepted. Clients with an older one are refused, in open sessions at the next command.',
        },
        certificateRef: fields.nameReference(
          'A Secret of type kubernetes.io/tls in the namespace of the policy. Absent: Relayfleet issues a certificate, and its CA is in every binding Secret.',
        ),
      },
    },
    clientCertificates,
    bareNewlines: {
      type: 'string',
      maxLength: 16,
      enum: ['Reject', 'Normalise'],
      default: 'Reject',
      description:
        'What happens to a CR or an LF that stands alone in a message. Reject refuses the message; Normalise turns it, and CR CR LF, into CR LF, for old clients that send nothing better.',
    },
  },
} as const satisfies ObjectSchema

export const listeners = {
  type: 'array',
  description:
    'The ports on which the fleet takes mail. A binding Secret points to the first that takes the way in which its credential logs in.',
  minItems: 1,
  maxItems: 8,
  'x-kubernetes-list-type': 'map',
  'x-kubernetes-list-map-keys': ['name'],
  items: listener,
} as const satisfies ListSchema

/** The part of a policy that these rules read. */
type Listening = { readonly listeners: FromSchema<typeof listeners> }

export const listenerRules: readonly CrossFieldRule<Listening>[] = [
  {
    field: 'spec.listeners',
    cel: 'self.listeners.all(a, self.listeners.exists_one(b, a.port == b.port))',
    message: 'two listeners have the same port; give each listener a port of its own',
    holds: (s) => new Set(s.listeners.map((l) => l.port)).size === s.listeners.length,
  },
]
