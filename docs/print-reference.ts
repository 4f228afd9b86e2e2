/** Prints docs/reference.md from the schemas, the list of rules and the metrics: `node docs/print-reference.ts`. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { kinds } from '../crds/kinds.ts'
import type { Kind, ObjectSchema, Schema } from '../crds/schema.ts'
import { createMetrics as createOperatorMetrics } from '../operator/metrics.ts'
import { rules } from '../relay/mail/rule.ts'
import { createMetrics } from '../relay/metrics.ts'

export const referenceFile = join(import.meta.dirname, 'reference.md')

type Row = readonly string[]
const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ').replaceAll('<', '&lt;')
const line = (cells: Row): string => `| ${cells.map(cell).join(' | ')} |`
const table = (head: Row, rows: readonly Row[]): string =>
  [line(head), `|${head.map(() => ' --- |').join('')}`, ...rows.map(line)].join('\n')

const code = (text: string): string => `\`${text}\``

type Field = { readonly path: string; readonly schema: Schema; readonly required: boolean }

/** Kubernetes' own label selector is one thing that people know. */
const isGroup = (schema: Schema): schema is ObjectSchema =>
  schema.type === 'object' && 'properties' in schema && !('matchLabels' in schema.properties)

/** Every field that a person writes, depth first; what only groups others has no row of its own. */
function* leaves(object: ObjectSchema, path: string, always = true): Generator<Field> {
  for (const [name, schema] of Object.entries(object.properties)) {
    const isRequired = object.required?.includes(name) === true
    const field = { path: `${path}.${name}`, schema, required: always && isRequired }
    if (schema.type === 'array' && 'properties' in schema.items) {
      yield field
      yield* leaves(schema.items, `${field.path}[]`)
    } else if (isGroup(schema)) yield* leaves(schema, field.path, isRequired || schema.default !== undefined)
    else yield field
  }
}

/** Text forms that several fields share, told once at the top. */
const forms: Readonly<Record<string, string>> = {
  '^([0-9]+(ms|s|m|h))+$': 'duration',
  '^(0s|([0-9]+(ms|s|m|h))+)$': 'duration or 0s',
  '^[1-9][0-9]{0,14}(Ki|Mi|Gi|Ti|k|M|G|T)?$': 'size',
  '^[0-9a-fA-F:.]+/(0|[1-9][0-9]{0,2})$': 'CIDR',
}

function typeOf(schema: Schema): string {
  switch (schema.type) {
    case 'string':
      if (schema.enum !== undefined) return schema.enum.map(code).join(' ')
      return schema.format === 'date-time' ? 'date and time' : (forms[schema.pattern ?? ''] ?? 'text')
    case 'integer':
      return schema.minimum === undefined ? 'number' : `${schema.minimum} … ${schema.maximum ?? '∞'}`
    case 'boolean':
      return '`true` `false`'
    case 'array':
      return `list of ${'properties' in schema.items ? 'objects' : typeOf(schema.items)}, at most ${schema.maxItems}`
    case 'object':
      return 'properties' in schema ? 'label selector' : 'names and values'
  }
}

const defaultOf = ({ schema, required }: Field): string => {
  if (required) return 'required'
  return 'default' in schema && schema.default !== undefined ? code(JSON.stringify(schema.default)) : ''
}

/** @throws Error for a field that the schema does not describe */
function meaningOf(kind: string, { path, schema }: Field): string {
  if (schema.description === undefined) throw new Error(`${kind} ${path} has no description; write it into crds/`)
  return schema.description
}

function kindSection(kind: Kind): string {
  const rows = [...leaves(kind.spec, 'spec')].map((f) => [
    code(f.path),
    typeOf(f.schema),
    defaultOf(f),
    meaningOf(kind.kind, f),
  ])
  const across = [...kind.rules, ...kind.immutable].map((r) => `- ${code(r.field)}: ${cell(r.message)}`)
  return [
    `## ${kind.kind}`,
    `${kind.description} Short name ${code(kind.shortName)}.`,
    table(['field', 'value', 'default', 'what it says'], rows),
    'What is refused across fields:',
    across.join('\n'),
  ].join('\n\n')
}

const ruleRows = Object.entries(rules).map(([id, { code: number, subject, text, mend }]) => [
  code(id),
  `${number} ${Math.trunc(number / 100)}.${subject}`,
  text,
  mend,
])

const relayRegistry = () => {
  const spool = { spoolBytes: 0, spoolFreeBytes: 0, spoolRoomBytes: 0, spoolCapacityBytes: 0 }
  const observed = { ready: true, configOk: true, sessions: 0, held: 0, oldestMessageAge: 0, ...spool }
  return createMetrics('', () => ({ ...observed, queue: { ready: 0, deferred: 0, inFlight: 0 } })).registry
}

function metricRows({ registry }: Pick<ReturnType<typeof createMetrics>, 'registry'>): readonly Row[] {
  const all = registry.getMetricsAsArray().filter((m) => m.name.startsWith('relayfleet_'))
  return all.map((m) => {
    const labels = (m as unknown as { readonly labelNames: readonly string[] }).labelNames
    return [code(m.name), labels.map(code).join(' '), m.help]
  })
}

const sharedForms = `A *duration* is \`30s\`, \`5m\` or \`1h30m\`; a *size* is \`25Mi\` or \`10Gi\`; a *CIDR* is \`192.0.2.0/24\`. Domains are in
lower case, in their A-label form (\`xn--…\`). A field that is not in these tables is refused, with the name that was probably meant.`

export function printed(): string {
  return `${[
    '# Reference',
    '<!-- Printed by `node docs/print-reference.ts` from crds/*.ts, relay/mail/rule.ts and both metrics.ts; never edited. -->',
    sharedForms,
    ...kinds.map((kind) => kindSection(kind as Kind)),
    '## Rules',
    'Every refusal ends with the id of its rule, in the SMTP reply, the log line, the metric and `relayfleet explain`. An id is the path\nof the field that decides (of the RelayCredential after `credential.`, of the\nSenderDomain after `senderDomain.`, else of the RelayPolicy); `always.` has no field.',
    table(['rule', 'reply', 'text', 'mend'], ruleRows),
    '## Metrics of a relay',
    'Every metric has the label `policy` besides those named here.',
    table(['metric', 'labels', 'what'], metricRows({ registry: relayRegistry() })),
    '## Metrics of the operator',
    table(['metric', 'labels', 'what'], metricRows(createOperatorMetrics())),
  ].join('\n\n')}\n`
}

if (import.meta.main) writeFileSync(referenceFile, printed())
