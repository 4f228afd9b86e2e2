/** `spec.senderRules`: what reverse-path and From have to be, for every message. */
import type { ObjectSchema } from './schema.ts'

const enforcement = { type: 'string', maxLength: 16, enum: ['Enforce', 'Audit'], default: 'Enforce' } as const

export const senderRules = {
  type: 'object',
  default: {},
  description:
    'Rules about the sender, checked for every message. Audit lets pass what Enforce would refuse, and counts it.',
  properties: {
    envelopeFrom: { type: 'object', default: {}, properties: { enforcement } },
    headerFrom: {
      type: 'object',
      default: {},
      properties: {
        enforcement,
        displayNameAddress: { type: 'string', maxLength: 16, enum: ['Reject', 'Allow'], default: 'Reject' },
      },
    },
    alignment: {
      type: 'object',
      default: {},
      properties: {
        enforcement,
        mode: { type: 'string', maxLength: 16, enum: ['Strict', 'Organizational'], default: 'Organizational' },
      },
    },
    nullReversePath: {
      type: 'string',
      maxLength: 32,
      enum: ['Deny', 'AllowForCredential'],
      default: 'AllowForCredential',
      description:
        'Whether the null reverse-path (MAIL FROM:<>) of receipts and bounces is taken; nobody is told when such mail fails. With AllowForCredential, From still has to belong to the credential.',
    },
  },
} as const satisfies ObjectSchema
