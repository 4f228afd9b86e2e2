/**
 * RelayPolicy, which a platform team writes: one fleet of relays, who may use it, by which rules, and which way its mail goes
 * out.
 */
import { admission, networkRules } from './admission.ts'
import * as fields from './fields.ts'
import { limitStore, limitStoreRules } from './limit-store.ts'
import { listenerRules, listeners } from './listener.ts'
import { modeOf, recipientRules, recipients } from './recipients.ts'
import { relayPolicyStatus as status } from './relay-policy-status.ts'
import { route } from './route.ts'
import { routeRules } from './route-rules.ts'
import type { CrossFieldRule, FromSchema, ImmutableField, Kind, ObjectSchema } from './schema.ts'
import { consentRules } from './selector-rules.ts'
import { senderRules } from './sender-rules.ts'
import { throttleRules, throttles } from './throttle.ts'

const spec = {
  type: 'object',
  required: ['environment', 'listeners'],
  properties: {
    environment: fields.environment,
    replicas: {
      type: 'integer',
      format: 'int32',
      minimum: 0,
      maximum: 100,
      default: 2,
      description: 'How many relays the fleet has. In local mode one runs, or none with 0.',
    },
    hostname: {
      ...fields.domainName,
      description:
        'The name of the fleet in banner, EHLO, Received and certificate; never that of another Service of the cluster. Absent: <name>.<namespace>.svc.',
    },
    listeners,
    admission,
    senderRules,
    recipients,
    throttles,
    routes: {
      type: 'array',
      maxItems: 64,
      description:
        'The ways out. The first route that matches takes a recipient; the last one has no match and takes the rest.',
      default: [],
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['name'],
      items: route,
    },
    limitStore,
    queue: {
      type: 'object',
      default: {},
      description: 'Where each relay keeps the mail that it has taken, and how long that may wait.',
      properties: {
        storage: {
          type: 'object',
          default: {},
          description: 'The volume of each relay.',
          properties: {
            size: {
              ...fields.quantity,
              default: '10Gi',
              description:
                'The size of the volume of each relay. Queued mail may fill two thirds of it, then new mail gets 452 (queue.storage): the spool tidies up in the rest. No message may be larger than these two thirds.',
            },
          },
        },
        maxAge: {
          ...fields.duration,
          default: '10m',
          description:
            'How long mail may wait. An older message in the queue makes the policy Degraded; it is tried on all the same.',
        },
      },
    },
    availability: {
      type: 'object',
      default: {},
      description: 'How many relays may be away at one time, and how long a leaving one may take.',
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
      description: 'What the logs of the relays say of people.',
      properties: {
        addresses: {
          type: 'string',
          maxLength: 8,
          enum: ['Hash', 'Mask', 'Clear'],
          default: 'Hash',
          description:
            'How addresses stand in logs. Hash: as a hash, always the same for one address. Mask: as u***@example.org. Clear: as they are.',
        },
      },
    },
    suspended: {
      ...fields.suspended,
      description: 'While this is true, new sessions get 421, and what is queued waits.',
    },
  },
} as const satisfies ObjectSchema

export type RelayPolicySpec = FromSchema<typeof spec>

const relayPolicyRules: readonly CrossFieldRule<RelayPolicySpec>[] = [
  ...listenerRules,
  ...recipientRules,
  {
    field: 'spec.routes',
    cel: "(has(self.recipients.mode) ? self.recipients.mode == 'Capture' : self.environment == 'NonProduction') || self.routes.size() > 0",
    message: 'mail that is not captured needs a way out; add a route',
    holds: (s) => modeOf(s) === 'Capture' || s.routes.length > 0,
  },
  ...networkRules,
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
