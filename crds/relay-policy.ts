/**
 * RelayPolicy, which a platform team writes: one fleet of relays, who may use it, by which rules, and which way its mail goes
 * out.
 */
import { clientCertificates } from './client-certificate.ts'
import * as fields from './fields.ts'
import { limitStore, limitStoreRules } from './limit-store.ts'
import { relayPolicyStatus as status } from './relay-policy-status.ts'
import { route } from './route.ts'
import { routeRules } from './route-rules.ts'
import type { CrossFieldRule, FromSchema, ImmutableField, Kind, ObjectSchema } from './schema.ts'
import { consentRules } from './selector-rules.ts'
import { throttleRules, throttles } from './throttle.ts'

const enforcement = { type: 'string', maxLength: 16, enum: ['Enforce', 'Audit'], default: 'Enforce' } as const
const networkList = { type: 'array', maxItems: 64, default: [], items: fields.cidr } as const

const listener = {
  type: 'object',
  required: ['name', 'port'],
  properties: {
    name: fields.entryName,
    port: { type: 'integer', format: 'int32', minimum: 1, maximum: 65535 },
    tls: {
      type: 'object',
      default: {},
      description: 'TLS is always required before AUTH and MAIL; the mode says when it starts.',
      properties: {
        mode: { type: 'string', maxLength: 16, enum: ['StartTLS', 'Implicit'], default: 'StartTLS' },
        minVersion: { type: 'string', maxLength: 8, enum: ['1.2', '1.3'], default: '1.2' },
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

const admission = {
  type: 'object',
  default: {},
  properties: {
    networks: {
      type: 'object',
      default: {},
      description:
        'Networks from which clients may connect; this never replaces AUTH. An empty allow list admits all but those in deny.',
      properties: { allow: networkList, deny: networkList },
    },
    authFailures: {
      type: 'object',
      default: {},
      properties: {
        max: { type: 'integer', minimum: 1, maximum: 1000, default: 10 },
        per: { ...fields.duration, default: '5m' },
        lockout: { ...fields.duration, default: '15m' },
      },
    },
    limits: {
      type: 'object',
      default: {},
      properties: {
        messageSize: { ...fields.quantity, default: '25Mi' },
        recipientsPerMessage: { type: 'integer', minimum: 1, maximum: 1000, default: 100 },
        connectionsPerClient: { type: 'integer', minimum: 1, maximum: 10000, default: 50 },
        messagesPerConnection: { type: 'integer', minimum: 1, maximum: 1000000, default: 1000 },
        transactionTime: { ...fields.duration, default: '10m' },
      },
    },
    credentials: {
      type: 'object',
      default: {},
      description: 'Which RelayCredentials may use this fleet.',
      properties: {
        namespaces: {
          ...fields.namespaces,
          description: 'The consent of the policy: of which namespaces the RelayCredentials may use this fleet.',
        },
      },
    },
  },
} as const satisfies ObjectSchema

const senderRules = {
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

const recipients = {
  type: 'object',
  default: {},
  description: 'To whom mail may go. Without a mode: Capture in NonProduction, Unrestricted in Production.',
  properties: {
    mode: { type: 'string', maxLength: 16, enum: ['Unrestricted', 'AllowList', 'Redirect', 'Capture'] },
    allow: {
      type: 'object',
      default: {},
      properties: {
        domains: fields.domainNames,
        addresses: { type: 'array', maxItems: 256, default: [], items: fields.address },
      },
    },
    redirectTo: fields.address,
  },
} as const satisfies ObjectSchema

const spec = {
  type: 'object',
  required: ['environment', 'listeners'],
  properties: {
    environment: fields.environment,
    replicas: { type: 'integer', format: 'int32', minimum: 0, maximum: 100, default: 2 },
    hostname: fields.domainName,
    listeners: {
      type: 'array',
      minItems: 1,
      maxItems: 8,
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['name'],
      items: listener,
    },
    admission,
    senderRules,
    recipients,
    throttles,
    routes: {
      type: 'array',
      maxItems: 64,
      default: [],
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['name'],
      items: route,
    },
    limitStore,
    queue: {
      type: 'object',
      default: {},
      properties: {
        storage: {
          type: 'object',
          default: {},
          properties: {
            size: {
              ...fields.quantity,
              default: '10Gi',
              description:
                'The size of the volume of each relay. While queued mail fills more than two thirds of it, new mail gets 452 (queue.storage): the spool needs the rest to tidy up.',
            },
          },
        },
        maxAge: { ...fields.duration, default: '10m' },
      },
    },
    availability: {
      type: 'object',
      default: {},
      properties: {
        maxUnavailable: {
          type: 'integer',
          format: 'int32',
          minimum: 1,
          maximum: 100,
          default: 1,
          description:
            'How many relays may be away at the same time, e.g. while a node is drained (PodDisruptionBudget).',
        },
        drainTimeout: {
          ...fields.duration,
          default: '30m',
          description:
            'How long a leaving relay may take to deliver its mail. After that, the policy reports it as overdue; with the annotation relayfleet.dev/discard-queue, the relay goes then, and its mail stays on its volume.',
        },
      },
    },
    evidence: {
      type: 'object',
      default: {},
      properties: { addresses: { type: 'string', maxLength: 8, enum: ['Hash', 'Mask', 'Clear'], default: 'Hash' } },
    },
    suspended: fields.suspended,
  },
} as const satisfies ObjectSchema

export type RelayPolicySpec = FromSchema<typeof spec>

const relayPolicyRules: readonly CrossFieldRule<RelayPolicySpec>[] = [
  {
    field: 'spec.listeners',
    cel: 'self.listeners.all(a, self.listeners.exists_one(b, a.port == b.port))',
    message: 'two listeners have the same port; give each listener a port of its own',
    holds: (s) => new Set(s.listeners.map((l) => l.port)).size === s.listeners.length,
  },
  {
    field: 'spec.recipients.mode',
    cel: "!(self.environment == 'NonProduction' && has(self.recipients.mode) && self.recipients.mode == 'Unrestricted')",
    message: 'NonProduction mail may not go to everybody; use AllowList, Redirect or Capture',
    holds: (s) => !(s.environment === 'NonProduction' && s.recipients.mode === 'Unrestricted'),
  },
  {
    field: 'spec.recipients.allow',
    cel: "!(has(self.recipients.mode) && self.recipients.mode == 'AllowList') || self.recipients.allow.domains.size() > 0 || self.recipients.allow.addresses.size() > 0",
    message: 'mode AllowList with an empty list allows nobody; name domains or addresses',
    holds: (s) =>
      s.recipients.mode !== 'AllowList' ||
      s.recipients.allow.domains.length > 0 ||
      s.recipients.allow.addresses.length > 0,
  },
  {
    field: 'spec.recipients.allow',
    cel: "(has(self.recipients.mode) && self.recipients.mode != 'Unrestricted') || (self.recipients.allow.domains.size() == 0 && self.recipients.allow.addresses.size() == 0)",
    message: 'only mode AllowList uses recipients.allow: set recipients.mode to AllowList, or take allow away',
    holds: ({ recipients: { mode = 'Unrestricted', allow } }) =>
      mode !== 'Unrestricted' || (allow.domains.length === 0 && allow.addresses.length === 0),
  },
  {
    field: 'spec.recipients.redirectTo',
    cel: "(has(self.recipients.mode) && self.recipients.mode != 'Unrestricted') || !has(self.recipients.redirectTo)",
    message: 'only mode Redirect uses recipients.redirectTo: set recipients.mode to Redirect, or take redirectTo away',
    holds: ({ recipients: { mode = 'Unrestricted', redirectTo } }) =>
      mode !== 'Unrestricted' || redirectTo === undefined,
  },
  {
    field: 'spec.recipients.redirectTo',
    cel: "!(has(self.recipients.mode) && self.recipients.mode == 'Redirect') || has(self.recipients.redirectTo)",
    message: 'mode Redirect needs redirectTo, the address that gets the mail instead',
    holds: (s) => s.recipients.mode !== 'Redirect' || s.recipients.redirectTo !== undefined,
  },
  {
    field: 'spec.routes',
    cel: "(has(self.recipients.mode) ? self.recipients.mode == 'Capture' : self.environment == 'NonProduction') || self.routes.size() > 0",
    message: 'mail that is not captured needs a way out; add a route',
    holds: (s) =>
      (s.recipients.mode ?? (s.environment === 'NonProduction' ? 'Capture' : 'Unrestricted')) === 'Capture' ||
      s.routes.length > 0,
  },
  {
    field: 'spec.admission.networks.allow',
    cel: `self.admission.networks.allow.all(c, !c.matches('${fields.everyNetwork.source}'))`,
    message: '0.0.0.0/0, ::/0 and ::ffff:0:0/96 narrow nothing; name the networks, or leave the list empty',
    holds: (s) => !s.admission.networks.allow.some((c) => fields.everyNetwork.test(c)),
  },
  ...throttleRules,
  ...routeRules,
  ...limitStoreRules,
  ...consentRules<RelayPolicySpec>('spec.admission.credentials.namespaces', (s) => s.admission.credentials.namespaces),
]

const immutable: readonly ImmutableField[] = [
  {
    field: 'spec.environment',
    cel: 'self.environment == oldSelf.environment',
    message: 'environment can not change; make a second policy',
  },
]

export const relayPolicy: Kind<RelayPolicySpec> = {
  kind: 'RelayPolicy',
  plural: 'relaypolicies',
  singular: 'relaypolicy',
  shortName: 'rpol',
  description: 'A fleet of SMTP relays: who may submit, as which sender, to whom, and by which way out.',
  spec,
  status,
  rules: relayPolicyRules,
  immutable,
  // Its Service must be named by a DNS label, and the pods' label `controller-revision-hash` is the StatefulSet's name and a hash
  // of up to ten characters: at most 63 together.
  name: {
    pattern: '^[a-z]([-a-z0-9]*[a-z0-9])?$',
    maxLength: 52,
    message:
      'the fleet is named after its policy: use at most 52 lower-case letters, digits and dashes, a letter first',
  },
  scale: {
    specReplicasPath: '.spec.replicas',
    statusReplicasPath: '.status.replicas',
    labelSelectorPath: '.status.selector',
  },
  columns: [
    { name: 'Environment', type: 'string', jsonPath: '.spec.environment' },
    { name: 'Replicas', type: 'integer', jsonPath: '.spec.replicas' },
    { name: 'Available', type: 'integer', jsonPath: '.status.readyReplicas' },
    { name: 'Programmed', type: 'string', jsonPath: '.status.conditions[?(@.type=="Programmed")].status' },
    ...fields.readyColumns,
    { name: 'Hash', type: 'string', jsonPath: '.status.configHash', priority: 1 },
  ],
}
