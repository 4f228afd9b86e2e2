/**
 * Fields that several kinds share. All are bounded: the API server estimates the cost of the CEL rules by `maxLength` and
 * `maxItems`.
 */
import type { BooleanSchema, IntegerSchema, ListSchema, ObjectSchema, StringSchema } from './schema.ts'

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

/** A name at which there are DNS records; its labels may begin with an underscore: `_spf.example.net`. */
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

/**
 * Where DMARC aggregate reports go (RFC 9989): `mailto:dmarc@example.org`. It is put into the TXT record as it stands, so only
 * characters that RFC 6068 lets stand unencoded are allowed.
 */
export const reportUri = {
  type: 'string',
  maxLength: 320,
  pattern: "^mailto:[A-Za-z0-9$%&'*+/=?^_`{|}~.-]+@[a-z0-9]([-a-z0-9.]*[a-z0-9])?$",
} as const satisfies StringSchema

/** A list of domains, which may be empty. */
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

/** The same, and a name may end with a dot: then it is complete, and no search list of the pod's DNS is tried with it. */
export const completeHost = { ...host, pattern: '^([a-z0-9]([-a-z0-9.]*[a-z0-9])?[.]?|[0-9a-f:.]+)$' } as const

/**
 * Matches a host that is a link-local address (RFC 3927, RFC 4291 section 2.5.6): it is on the node itself or
 * on its link, where a cloud's metadata service is. The same expression is used in CEL, so it must be valid RE2, too.
 */
export const linkLocal = /^(169[.]254[.]|fe[89ab][0-9a-f]:)/

/** `local@domain`, without quotes and comments, and without `*`, which people would take for a pattern. */
export const address = {
  type: 'string',
  minLength: 3,
  maxLength: 254,
  pattern:
    "^[A-Za-z0-9!#$%&'+/=?^_`{|}~-]+(\\.[A-Za-z0-9!#$%&'+/=?^_`{|}~-]+)*@[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)+$",
} as const satisfies StringSchema

/** What stands before the @, without quotes; a `*` at its end stands for any rest. */
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
/** A duration, or `0s` for none. */
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

export const environment = {
  type: 'string',
  maxLength: 16,
  enum: ['Production', 'NonProduction'],
  description:
    'Production and NonProduction are kept apart: a credential works only where its policy and its domains have the same environment.',
} as const satisfies StringSchema

/** The description says which object is meant. It stands at the name, too, as people ask about either of the two. */
export const nameReference = (description: string) =>
  ({
    type: 'object',
    required: ['name'],
    description,
    properties: { name: { ...objectName, description } },
  }) as const satisfies ObjectSchema

/** Without a namespace, the namespace of the referring object is meant. */
export const crossNamespaceReference = (description: string) =>
  ({
    type: 'object',
    required: ['name'],
    description,
    properties: {
      name: { ...objectName, description },
      namespace: { ...namespaceName, description: 'The namespace of that object. Absent: the namespace of this one.' },
    },
  }) as const satisfies ObjectSchema

/** Kubernetes' own rule for the value of a label, which may be empty. */
export const labelValue = {
  type: 'string',
  maxLength: 63,
  pattern: '^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$',
} as const satisfies StringSchema

/** Kubernetes' own rule for the name of a label or an annotation: `[domain/]name`. `label` matches one label of the domain. */
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
    matchLabels: {
      type: 'object',
      additionalProperties: labelValue,
      maxProperties: 16,
      description: 'Labels that an object must have, each with this very value.',
    },
    matchExpressions: {
      type: 'array',
      maxItems: 16,
      description: 'Further requirements on the labels; all of them must hold, and matchLabels, too.',
      items: {
        type: 'object',
        required: ['key', 'operator'],
        properties: {
          key: { ...labelName, description: 'The name of the label.' },
          operator: {
            type: 'string',
            maxLength: 16,
            enum: ['In', 'NotIn', 'Exists', 'DoesNotExist'],
            description:
              'In and NotIn compare the value of the label with values. Exists and DoesNotExist ask only whether the label is there.',
          },
          values: {
            type: 'array',
            maxItems: 32,
            items: labelValue,
            description: 'At least one value for In and NotIn. Exists and DoesNotExist must have none.',
          },
        },
      },
    },
  },
} as const satisfies ObjectSchema

/** Which namespaces may refer to the object: the consent of its owner. */
export const namespaces = {
  type: 'object',
  default: {},
  properties: {
    from: {
      type: 'string',
      maxLength: 16,
      enum: ['Same', 'Selector', 'All'],
      default: 'Same',
      description:
        'Whose RelayCredentials may use this object. Same: those of its own namespace. Selector: those of the namespaces that selector chooses. All: those of every namespace.',
    },
    selector: {
      ...labelSelector,
      description:
        'For from: Selector: which namespaces, by their labels. The label kubernetes.io/metadata.name of each namespace has its name.',
    },
  },
} as const satisfies ObjectSchema

export const suspended = { type: 'boolean', default: false } as const satisfies BooleanSchema

export const observedGeneration = {
  type: 'integer',
  format: 'int64',
  description:
    'The metadata.generation of the object that is described here; while it is lower, newer changes are not.',
} as const satisfies IntegerSchema

/** In characters. A condition's message must be cut to this: the API server refuses the whole status because of a longer one. */
export const longestMessage = 32_768

export const conditions = {
  type: 'array',
  maxItems: 16,
  'x-kubernetes-list-type': 'map',
  'x-kubernetes-list-map-keys': ['type'],
  default: [],
  description: 'How this object is: one entry for each question. Ready answers whether all of it works.',
  items: {
    type: 'object',
    required: ['type', 'status', 'reason', 'message', 'lastTransitionTime'],
    properties: {
      type: { type: 'string', maxLength: 316, description: 'What the condition is about, such as Ready.' },
      status: {
        type: 'string',
        maxLength: 8,
        enum: ['True', 'False', 'Unknown'],
        description: 'Whether it is so. Unknown: that can not be told now.',
      },
      reason: { type: 'string', maxLength: 1024, description: 'Why, in one word, for programs and alerts.' },
      message: { type: 'string', maxLength: longestMessage, description: 'Why, for a person, and how to mend it.' },
      lastTransitionTime: {
        type: 'string',
        maxLength: 64,
        format: 'date-time',
        description: 'When status last changed.',
      },
      observedGeneration,
    },
  },
} as const satisfies ListSchema

/** The last columns of `kubectl get` for every kind: whether it works, why not, its age, and with `-o wide` the message. */
export const readyColumns = [
  { name: 'Ready', type: 'string', jsonPath: '.status.conditions[?(@.type=="Ready")].status' },
  { name: 'Reason', type: 'string', jsonPath: '.status.conditions[?(@.type=="Ready")].reason' },
  { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
  { name: 'Message', type: 'string', jsonPath: '.status.conditions[?(@.type=="Ready")].message', priority: 1 },
] as const
