/** Client certificates (mutual TLS): which clients a listener asks for one, and which certificate logs a credential in. */
import * as fields from './fields.ts'
import type { ObjectSchema } from './schema.ts'

/** A listener's field. Leaving it out means that nobody is asked; a mode `Off` would be read as `false` by YAML 1.1 (kubectl). */
export const clientCertificates = {
  type: 'object',
  required: ['mode', 'caRef'],
  description: 'Whether clients are asked for a certificate in the TLS handshake. Absent: nobody is asked.',
  properties: {
    mode: {
      type: 'string',
      maxLength: 16,
      enum: ['Optional', 'Required'],
      description:
        'Optional: a client without a certificate may log in by other means. Required: a client that shows no valid certificate is turned away, and one that does still has to log in.',
    },
    caRef: fields.nameReference(
      'A Secret or ConfigMap in the namespace of the policy. Each certificate in its ca.crt is an authority by itself, and those that one of them issued are valid.',
    ),
  },
} as const satisfies ObjectSchema

/** Printable ASCII without quotes, commas and backslashes, which could be taken for the end of a name where names are printed. */
const printable = '[!#-&(-+\\--\\[\\]-~]'

export const uri = {
  type: 'string',
  minLength: 3,
  maxLength: 512,
  pattern: `^[a-z][a-z0-9+.-]*:${printable}+$`,
} as const

export const emailAddress = { ...fields.address, pattern: fields.address.pattern.replaceAll("'", '') } as const

/** A credential's field; its fields are named as those of a cert-manager Certificate. */
export const clientCertificate = {
  type: 'object',
  required: ['caRef', 'subjectAltNames'],
  description: 'For type ClientCertificate: which certificates log this credential in.',
  properties: {
    caRef: fields.nameReference(
      'Who issues the certificates: the same Secret or ConfigMap, in the namespace of the policy, as in clientCertificates.caRef of one of its listeners.',
    ),
    subjectAltNames: {
      type: 'object',
      description:
        'A certificate that has one of these names logs this credential in. Names are compared as a whole; there are no patterns.',
      properties: {
        uris: {
          type: 'array',
          maxItems: 16,
          default: [],
          items: uri,
          description: 'URIs, e.g. spiffe://cluster.local/ns/shop/sa/web.',
        },
        dnsNames: {
          type: 'array',
          maxItems: 16,
          default: [],
          items: fields.domainName,
          description: 'DNS names in lower case, e.g. printer.example.org.',
        },
        emailAddresses: {
          type: 'array',
          maxItems: 16,
          default: [],
          items: emailAddress,
          description: 'E-mail addresses with the domain in lower case, e.g. device-7@example.org.',
        },
      },
    },
  },
} as const satisfies ObjectSchema
