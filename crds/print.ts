/** The one generator: kinds become CustomResourceDefinitions, crds/*.yaml, with the rules as CEL (`npm run crds`). */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { group, kinds, version } from './kinds.ts'
import { kubectlYaml } from './kubectl-yaml.ts'
import type { Kind } from './schema.ts'

const category = 'relayfleet'

/** `spec.recipients.mode` is `.recipients.mode`, seen from the spec where the rules stand. */
const fieldPath = (field: string): string => field.replace(/^spec/, '')

type Rule = { readonly field: string; readonly cel: string; readonly message: string }
const validation = ({ field, cel, message }: Rule) => ({ rule: cel, message, fieldPath: fieldPath(field) })

const nameRule = ({ pattern, maxLength, message }: NonNullable<Kind['name']>) => ({
  rule: `self.metadata.name.size() <= ${maxLength} && self.metadata.name.matches('${pattern}')`,
  message,
})

/** Until somebody has looked: whoever waits for an object takes one without a status for one that needs none (kstatus). */
const unlooked = { observedGeneration: 0 }

const openApi = (kind: Kind) => ({
  type: 'object',
  description: kind.description,
  required: ['spec'],
  ...(kind.name === undefined ? {} : { 'x-kubernetes-validations': [nameRule(kind.name)] }),
  properties: {
    apiVersion: { type: 'string' },
    kind: { type: 'string' },
    metadata: { type: 'object' },
    spec: { ...kind.spec, 'x-kubernetes-validations': [...kind.rules, ...kind.immutable].map(validation) },
    status: { ...kind.status, default: unlooked },
  },
})

export const crdOf = (kind: Kind) => ({
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: {
    name: `${kind.plural}.${group}`,
    labels: { 'app.kubernetes.io/name': 'relayfleet', ...kind.labels },
  },
  spec: {
    group,
    scope: 'Namespaced',
    names: {
      kind: kind.kind,
      listKind: `${kind.kind}List`,
      plural: kind.plural,
      singular: kind.singular,
      shortNames: [kind.shortName],
      categories: [category],
    },
    versions: [
      {
        name: version,
        served: true,
        storage: true,
        subresources: { status: {}, ...(kind.scale === undefined ? {} : { scale: kind.scale }) },
        additionalPrinterColumns: kind.columns,
        schema: { openAPIV3Schema: openApi(kind) },
      },
    ],
  },
})

export const fileOf = (kind: Kind): string => join(import.meta.dirname, `${group}_${kind.plural}.yaml`)

/** The chart brings a copy: helm reads nothing outside its folder. */
export const chartFileOf = (kind: Kind): string =>
  join(import.meta.dirname, '../charts/relayfleet/files/crds', `${group}_${kind.plural}.yaml`)

/** The text of a kind's file. */
export const printed = (kind: Kind): string =>
  `# Printed from the schemas beside it by \`npm run crds\`; never edited.\n${kubectlYaml(crdOf(kind))}`

if (import.meta.main) {
  for (const kind of kinds) for (const file of [fileOf(kind), chartFileOf(kind)]) writeFileSync(file, printed(kind))
}
