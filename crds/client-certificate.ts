/** Client certificates: whom a listener asks for one, and which one is a credential's login. */
import * as fields from './fields.ts'
import type { ObjectSchema } from './schema.ts'

/** Of a listener. There is no mode for not asking: absent is that, and `Off` would be a truth value to YAML 1.1. */
export const clientCertificates = {
  type: 'object',
  required: ['mode', 'caRef'],
  description: 'Asks clients for a certificate in the TLS handshake; absent: nobody is asked.',
  properties: {
    mode: {
      type: 'string',
      maxLength: 16,
      enum: ['Optional', 'Required'],
      description:
        'Optional: who shows none may log in by other means. Required: who shows no good one is sent away, and who does still has to log in.',
    },
    caRef: fields.nameReference,
  },
} as const satisfies ObjectSchema

/** No character that could be taken for the end of a name, wherever names are printed. */
const printable = '[!#-&(-+\\--\\[\\]-~]'

export const uri = {
  type: 'string',
  minLength: 3,
  maxLength: 512,
  pattern: `^[a-z][a-z0-9+.-]*:${printable}+$`,
} as const

export const emailAddress = { ...fields.address, pattern: fields.address.pattern.replaceAll("'", '') } as const

/** Of a credential; the words are those of a cert-manager Certificate. */
export const clientCertificate = {
  type: 'object',
  required: ['caRef', 'subjectAltNames'],
  description: 'With type ClientCertificate: which certificate is its login.',
  properties: {
    caRef: fields.nameReference,
    subjectAltNames: {
      type: 'object',
      description: 'A certificate with one of these names is its login. Names are compared whole; no pattern is one.',
      properties: {
        uris: { type: 'array', maxItems: 16, default: [], items: uri },
        dnsNames: { type: 'array', maxItems: 16, default: [], items: fields.domainName },
        emailAddresses: { type: 'array', maxItems: 16, default: [], items: emailAddress },
      },
    },
  },
} as const satisfies ObjectSchema
