/** The status of a RelayPolicy: how its fleet stands, by what the relays themselves report. */
import * as fields from './fields.ts'
import type { ObjectSchema } from './schema.ts'

export const relayPolicyStatus = {
  type: 'object',
  properties: {
    observedGeneration: { type: 'integer', format: 'int64' },
    replicas: { type: 'integer', format: 'int32', description: 'The relays that are there, ready or not.' },
    readyReplicas: { type: 'integer', format: 'int32', description: 'The relays that take mail.' },
    selector: { type: 'string', maxLength: 1024 },
    configHash: {
      type: 'string',
      maxLength: 128,
      description: 'Of the configuration that the relays should have; each reports its own below.',
    },
    pods: {
      type: 'array',
      maxItems: 100,
      items: {
        type: 'object',
        required: ['name', 'ready'],
        properties: {
          name: fields.objectName,
          ready: { type: 'boolean' },
          configHash: { type: 'string', maxLength: 128, description: 'What its relay reports to have in force.' },
          queued: {
            type: 'integer',
            format: 'int64',
            description: 'At least so many messages wait there: a round figure, looked at once a minute.',
          },
          drain: {
            type: 'object',
            required: ['since', 'state'],
            description: 'It takes no new mail, and leaves when it has delivered what it has.',
            properties: {
              since: { type: 'string', maxLength: 64, format: 'date-time' },
              state: { type: 'string', maxLength: 16, enum: ['Draining', 'Drained', 'Unknown'] },
            },
          },
        },
      },
    },
    spools: {
      type: 'array',
      maxItems: 100,
      description: 'The spool that each relay had: one that comes up with another is told in the condition SpoolReset.',
      items: {
        type: 'object',
        required: ['name', 'id'],
        properties: {
          name: fields.objectName,
          id: { type: 'string', maxLength: 64, description: 'Made with the spool.' },
          found: { type: 'string', maxLength: 64, description: 'What it came up with instead, while that is so.' },
          left: { type: 'boolean', description: 'It has left the fleet since; what it had before is still missed.' },
        },
      },
    },
    listeners: {
      type: 'array',
      maxItems: 8,
      items: {
        type: 'object',
        required: ['name', 'address'],
        properties: {
          name: fields.entryName,
          address: { type: 'string', maxLength: 320 },
          credentials: { type: 'integer', format: 'int32' },
        },
      },
    },
    routes: {
      type: 'array',
      maxItems: 64,
      description:
        'How the ways out are, by what the relays report; mx stands for all exchangers of a route of type MX.',
      items: {
        type: 'object',
        required: ['name', 'smarthosts'],
        properties: {
          name: fields.entryName,
          smarthosts: {
            type: 'array',
            maxItems: 16,
            items: {
              type: 'object',
              required: ['name', 'health'],
              properties: {
                name: fields.entryName,
                health: {
                  type: 'string',
                  maxLength: 16,
                  enum: ['Healthy', 'Unproven', 'Paused', 'Ejected'],
                  description:
                    'The worst at any relay. Unproven: not tried yet; Paused, Ejected: it asked for a pause, or was left out, and has carried no mail since.',
                },
                lastReply: {
                  type: 'object',
                  required: ['code', 'status', 'text'],
                  description: 'Why it last carried no mail; absent when it has since.',
                  properties: {
                    code: { type: 'integer', format: 'int32' },
                    status: { type: 'string', maxLength: 16 },
                    text: { type: 'string', maxLength: 512 },
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
