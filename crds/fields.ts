/** The fields that several kinds share, each with the limits that the API server's CEL budget asks for. */
import type { BooleanSchema, ListSchema, ObjectSchema, StringSchema } from './schema.ts'

const dnsLabel = '^[a-z0-9]([-a-z0-9]*[a-z0-9])?$'
const dnsName = '^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$'

/** The name of one entry in a list of named things. */
export const entryName = {
  type: 'string',
  minLength: 1,
  maxLength: 63,
  pattern: dnsLabel,
} as const satisfies StringSchema
export const objectName = {
  type: 'string',
  minLength: 1,
  maxLength: 253,
  pattern: dnsName,
} as const satisfies StringSchema
export const namespaceName = {
  type: 'string',
  minLength: 1,
  maxLength: 63,
  pattern: dnsLabel,
} as const satisfies StringSchema

/** A lower-case A-label domain of at least two labels: `mail.example.org`. */
export const domainName = {
  type: 'string',
  minLength: 3,
  maxLength: 253,
  pattern: '^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)+$',
} as const satisfies StringSchema

/** A name that records are at; labels may begin with an underscore: `_spf.example.net`. */
export const recordName = {
  type: 'string',
  minLength: 3,
  maxLength: 253,
  pattern: '^[a-z0-9_]([-a-z0-9_]*[a-z0-9])?(\\.[a-z0-9_]([-a-z0-9_]*[a-z0-9])?)+$',
} as const satisfies StringSchema

export const ipAddress = {
  type: 'string',
  minLength: 2,
  maxLength: 45,
  pattern: '^[0-9a-fA-F:.]+$',
} as const satisfies StringSchema

/** Where aggregate reports go (RFC 9989): `mailto:dmarc@example.org`. It stands in a TXT record as it is, so it is what RFC 6068 leaves unencoded. */
export const reportUri = {
  type: 'string',
  maxLength: 320,
  pattern: "^mailto:[A-Za-z0-9$%&'*+/=?^_`{|}~.-]+@[a-z0-9]([-a-z0-9.]*[a-z0-9])?$",
} as const satisfies StringSchema

/** Some of them, or none. */
export const domainNames = {
  type: 'array',
  maxItems: 256,
  default: [],
  items: domainName,
} as const satisfies ListSchema

/** A host that we connect to: a lower-case name or an address. */
export const host = {
  type: 'string',
  minLength: 1,
  maxLength: 253,
  pattern: '^([a-z0-9]([-a-z0-9.]*[a-z0-9])?|[0-9a-f:.]+)$',
} as const satisfies StringSchema

/** Of a host: an address that is on this very node or beside it (RFC 3927, RFC 4291 section 2.5.6), as a cloud's metadata service is. CEL reads it too. */
export const linkLocal = /^(169[.]254[.]|fe[89ab][0-9a-f]:)/

/** `local@domain`, both in their plain form: no quotes, no comments, and no `*`, which people take for a pattern. */
export const address = {
  type: 'string',
  minLength: 3,
  maxLength: 254,
  pattern:
    "^[A-Za-z0-9!#$%&'+/=?^_`{|}~-]+(\\.[A-Za-z0-9!#$%&'+/=?^_`{|}~-]+)*@[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)+$",
} as const satisfies StringSchema

/** Before the @, in its plain form; a final * stands for any rest. */
export const localPart = {
  type: 'string',
  minLength: 1,
  maxLength: 64,
  pattern: "^[A-Za-z0-9!#$%&'+/=?^_`{|}~.-]+\\*?$",
} as const satisfies StringSchema

/** `1s`, `5m`, `1h30m`. */
export const duration = {
  type: 'string',
  maxLength: 32,
  pattern: '^([0-9]+(ms|s|m|h))+$',
} as const satisfies StringSchema
/** `0s`: at once. */
export const durationOrNone = {
  type: 'string',
  maxLength: 32,
  pattern: '^(0s|([0-9]+(ms|s|m|h))+)$',
} as const satisfies StringSchema
/** A Kubernetes quantity of bytes: `25Mi`, `10Gi`, `1000000`. */
export const quantity = {
  type: 'string',
  maxLength: 32,
  pattern: '^[1-9][0-9]{0,14}(Ki|Mi|Gi|Ti|k|M|G|T)?$',
} as const satisfies StringSchema
/** A network in CIDR form; a single address is written with its full prefix. */
export const cidr = {
  type: 'string',
  maxLength: 43,
  pattern: '^[0-9a-fA-F:.]+/(0|[1-9][0-9]{0,2})$',
} as const satisfies StringSchema

/** Every network of a family: of IPv4 within IPv6 the first 96 bits are no part of one. */
export const everyNetwork = /[/]0$|^[0:]*:[Ff]{4}:[^/]*[/]96$/

export const environment = {
  type: 'string',
  maxLength: 16,
  enum: ['Production', 'NonProduction'],
  description: 'Production and NonProduction never meet: policy, domain and credential must be equal here.',
} as const satisfies StringSchema

export const nameReference = {
  type: 'object',
  required: ['name'],
  properties: { name: objectName },
} as const satisfies ObjectSchema

/** Absent namespace: the namespace of the object that refers. */
export const crossNamespaceReference = {
  type: 'object',
  required: ['name'],
  properties: { name: objectName, namespace: namespaceName },
} as const satisfies ObjectSchema

/** What Kubernetes takes as one; an empty one is one. */
export const labelValue = {
  type: 'string',
  maxLength: 63,
  pattern: '^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$',
} as const satisfies StringSchema

/** What Kubernetes lets a label or an annotation be named, behind a domain of such labels or none. */
const qualifiedName = (label: string) =>
  ({
    type: 'string',
    maxLength: 317,
    pattern: `^(${label}(\\.${label})*/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$`,
  }) as const satisfies StringSchema
export const labelName = qualifiedName('[a-z0-9]([-a-z0-9]*[a-z0-9])?')
export const annotationName = qualifiedName('[A-Za-z0-9]([-A-Za-z0-9]*[A-Za-z0-9])?')

export const labelSelector = {
  type: 'object',
  properties: {
    matchLabels: { type: 'object', additionalProperties: labelValue, maxProperties: 16 },
    matchExpressions: {
      type: 'array',
      maxItems: 16,
      items: {
        type: 'object',
        required: ['key', 'operator'],
        properties: {
          key: { type: 'string', maxLength: 316 },
          operator: { type: 'string', maxLength: 16, enum: ['In', 'NotIn', 'Exists', 'DoesNotExist'] },
          values: { type: 'array', maxItems: 32, items: labelValue },
        },
      },
    },
  },
} as const satisfies ObjectSchema

/** Which namespaces have consent. */
export const namespaces = {
  type: 'object',
  default: {},
  properties: {
    from: { type: 'string', maxLength: 16, enum: ['Same', 'Selector', 'All'], default: 'Same' },
    selector: labelSelector,
  },
} as const satisfies ObjectSchema

export const suspended = { type: 'boolean', default: false } as const satisfies BooleanSchema

/** Of what a condition says: a status with a longer message is refused as a whole. */
export const longestMessage = 32_768

export const conditions = {
  type: 'array',
  maxItems: 16,
  'x-kubernetes-list-type': 'map',
  'x-kubernetes-list-map-keys': ['type'],
  default: [],
  items: {
    type: 'object',
    required: ['type', 'status', 'reason', 'message', 'lastTransitionTime'],
    properties: {
      type: { type: 'string', maxLength: 316 },
      status: { type: 'string', maxLength: 8, enum: ['True', 'False', 'Unknown'] },
      reason: { type: 'string', maxLength: 1024 },
      message: { type: 'string', maxLength: longestMessage },
      lastTransitionTime: { type: 'string', maxLength: 64, format: 'date-time' },
      observedGeneration: { type: 'integer', format: 'int64' },
    },
  },
} as const satisfies ListSchema

/** What every kind ends with: is it working, why not, since when it is there; in words where there is room (`-o wide`). */
export const readyColumns = [
  { name: 'Ready', type: 'string', jsonPath: '.status.conditions[?(@.type=="Ready")].status' },
  { name: 'Reason', type: 'string', jsonPath: '.status.conditions[?(@.type=="Ready")].reason' },
  { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
  { name: 'Message', type: 'string', jsonPath: '.status.conditions[?(@.type=="Ready")].message', priority: 1 },
] as const
