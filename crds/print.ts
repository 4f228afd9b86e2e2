/**
 * Prints the kinds as CustomResourceDefinitions into crds/*.yaml and into the chart, with their rules as CEL (`npm run crds`).
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { group, kinds, version } from './kinds.ts'
import { kubectlYaml } from './kubectl-yaml.ts'
import type { Kind } from './schema.ts'

const category = 'relayfleet'

/** The rules stand at the spec, and `fieldPath` is relative to it: `spec.recipients.mode` becomes `.recipients.mode`. */
const fieldPath = (field: string): string => field.replace(/^spec/, '')

type Rule = { readonly field: string; readonly cel: string; readonly message: string }
const validation = ({ field, cel, message }: Rule) => ({ rule: cel, message, fieldPath: fieldPath(field) })

const nameRule = ({ pattern, maxLength, message }: NonNullable<Kind['name']>) => ({
  rule: `self.metadata.name.size() <= ${maxLength} && self.metadata.name.matches('${pattern}')`,
  message,
})

/** The status of a new object. Without one, kstatus (as used by Flux) would take the object for ready at once. */
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
    spec: {
      ...kind.spec,
      description: 'What is wanted. A person writes it.',
      'x-kubernetes-validations': [...kind.rules, ...kind.immutable].map(validation),
    },
    status: { ...kind.status, description: 'How things are. The operator writes it.', default: unlooked },
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

/** The chart has a copy, because helm reads no files outside the chart's folder. */
export const chartFileOf = (kind: Kind): string =>
  join(import.meta.dirname, '../charts/relayfleet/files/crds', `${group}_${kind.plural}.yaml`)

export const printed = (kind: Kind): string =>
  `# Printed from the schemas beside it by \`npm run crds\`; never edited.\n${kubectlYaml(crdOf(kind))}`

if (import.meta.main) {
  for (const kind of kinds) for (const file of [fileOf(kind), chartFileOf(kind)]) writeFileSync(file, printed(kind))
}
