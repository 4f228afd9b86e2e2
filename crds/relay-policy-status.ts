/** The status of a RelayPolicy: how its fleet is, as the relays themselves report it. */
import * as fields from './fields.ts'
import type { ObjectSchema } from './schema.ts'

export const relayPolicyStatus = {
  type: 'object',
  properties: {
    observedGeneration: fields.observedGeneration,
    replicas: { type: 'integer', format: 'int32', description: 'How many relays there are, ready or not.' },
    readyReplicas: { type: 'integer', format: 'int32', description: 'How many relays take mail.' },
    selector: {
      type: 'string',
      maxLength: 1024,
      description: 'The label selector of the pods of the fleet, for kubectl scale and for autoscalers.',
    },
    configHash: {
      type: 'string',
      maxLength: 128,
      description: 'The hash of the configuration that the relays should have; which one each of them has, see pods.',
    },
    pods: {
      type: 'array',
      maxItems: 100,
      description: 'The relays that there are, and how each of them is.',
      items: {
        type: 'object',
        required: ['name', 'ready'],
        properties: {
          name: { ...fields.objectName, description: 'The name of the pod of the relay.' },
          ready: { type: 'boolean', description: 'Whether the pod is ready.' },
          configHash: {
            type: 'string',
            maxLength: 128,
            description: 'The hash of the configuration that this relay reports to have in force.',
          },
          queued: {
            type: 'integer',
            format: 'int64',
            description: 'How many messages wait there: rounded down, updated about once a minute.',
          },
          drain: {
            type: 'object',
            required: ['since', 'state'],
            description:
              'Present while this relay is leaving: it takes no new mail, and goes when it has delivered what it has.',
            properties: {
              since: { type: 'string', maxLength: 64, format: 'date-time', description: 'Since when it is leaving.' },
              state: {
                type: 'string',
                maxLength: 16,
                enum: ['Draining', 'Drained', 'Unknown'],
                description:
                  'Draining: it has mail to deliver. Drained: it has none. Unknown: it does not answer, and may have mail.',
              },
            },
          },
        },
      },
    },
    spools: {
      type: 'array',
      maxItems: 100,
      description:
        'Which spool each relay has. A relay that starts with another one than before is reported in the condition SpoolReset.',
      items: {
        type: 'object',
        required: ['name', 'id'],
        properties: {
          name: { ...fields.objectName, description: 'The name of the pod of the relay.' },
          id: { type: 'string', maxLength: 64, description: 'The id that the spool got when it was made.' },
          found: {
            type: 'string',
            maxLength: 64,
            description: 'The id of another spool with which the relay started instead, for as long as it has that.',
          },
          left: {
            type: 'boolean',
            description: 'The relay has left the fleet since; its earlier spool is still missing.',
          },
        },
      },
    },
    listeners: {
      type: 'array',
      maxItems: 8,
      description: 'Where clients reach each listener.',
      items: {
        type: 'object',
        required: ['name', 'address'],
        properties: {
          name: { ...fields.entryName, description: 'The name of the listener.' },
          address: {
            type: 'string',
            maxLength: 320,
            description: 'The host and the port that clients connect to, as host:port.',
          },
          credentials: {
            type: 'integer',
            format: 'int32',
            description: 'How many RelayCredentials the relays of the fleet know.',
          },
        },
      },
    },
    routes: {
      type: 'array',
      maxItems: 64,
      description:
        'How the next hops of each route are, as the relays report it; mx stands for all exchangers of a route of type MX.',
      items: {
        type: 'object',
        required: ['name', 'smarthosts'],
        properties: {
          name: { ...fields.entryName, description: 'The name of the route.' },
          smarthosts: {
            type: 'array',
            maxItems: 16,
            description: 'The next hops of the route, and how each of them is.',
            items: {
              type: 'object',
              required: ['name', 'health'],
              properties: {
                name: { ...fields.entryName, description: 'The name of the smarthost, or mx.' },
                health: {
                  type: 'string',
                  maxLength: 16,
                  enum: ['Healthy', 'Unproven', 'Paused', 'Ejected'],
                  description:
                    'The worst that any relay reports. Unproven: not tried yet. Paused: it asked for a pause, and has taken no mail since. Ejected: it is left out after failures, and has taken no mail since.',
                },
                lastReply: {
                  type: 'object',
                  required: ['code', 'status', 'text'],
                  description: 'Why it last took no mail, as an SMTP reply. Absent as soon as it has taken mail again.',
                  properties: {
                    code: { type: 'integer', format: 'int32', description: 'The code of the reply, e.g. 451.' },
                    status: {
                      type: 'string',
                      maxLength: 16,
                      description: 'The enhanced status code of the reply, e.g. 4.7.1.',
                    },
                    text: { type: 'string', maxLength: 512, description: 'The text of the reply.' },
                  },
                },
              },
            },
          },
        },
      },
    },
    conditions: fields.conditions,
  },
} as const satisfies ObjectSchema
