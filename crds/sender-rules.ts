/** `spec.senderRules`: what reverse-path and From have to be, for every message. */
import type { ObjectSchema } from './schema.ts'

const enforcement = { type: 'string', maxLength: 16, enum: ['Enforce', 'Audit'], default: 'Enforce' } as const

export const senderRules = {
  type: 'object',
  default: {},
  description:
    'Rules about the sender, checked for every message. Audit lets pass what Enforce would refuse, and counts it.',
  properties: {
    envelopeFrom: {
      type: 'object',
      default: {},
      description: 'The rule about the reverse-path (MAIL FROM).',
      properties: {
        enforcement: {
          ...enforcement,
          description:
            'The reverse-path has to belong to the credential. Enforce: other mail is refused. Audit: it passes, and is counted.',
        },
      },
    },
    headerFrom: {
      type: 'object',
      default: {},
      description: 'The rules about the header field From.',
      properties: {
        enforcement: {
          ...enforcement,
          description:
            'The one mailbox in From, and each in Sender and in Resent- fields, has to belong to the credential. Enforce: other mail is refused. Audit: it passes, and is counted.',
        },
        displayNameAddress: {
          type: 'string',
          maxLength: 16,
          enum: ['Reject', 'Allow'],
          default: 'Reject',
          description:
            'A display name that shows another address than the mailbox. Reject: such mail is refused, or with enforcement Audit counted. Allow: it passes.',
        },
      },
    },
    alignment: {
      type: 'object',
      default: {},
      description: 'The rule about reverse-path and From together.',
      properties: {
        enforcement: {
          ...enforcement,
          description:
            'The reverse-path and From have to be of one domain, as mode says. Enforce: other mail is refused. Audit: it passes, and is counted.',
        },
        mode: {
          type: 'string',
          maxLength: 16,
          enum: ['Strict', 'Organizational'],
          default: 'Organizational',
          description:
            'Strict: the very same domain. Organizational: the same registered domain, e.g. mail.example.org and example.org.',
        },
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
