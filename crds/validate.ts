/**
 * Validates an object against its kind: yields its spec with defaults filled in, or every problem with the field and how to mend
 * it.
 */
import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv'
import { duplicates } from './duplicates.ts'
import { fieldOf, type Path, pathOf } from './field-path.ts'
import * as fields from './fields.ts'
import { dateTime, forms } from './forms.ts'
import { apiVersion } from './kinds.ts'
import { faultText } from './problem-text.ts'
import type { Kind, Schema } from './schema.ts'

export type { Path } from './field-path.ts'

export type Problem = {
  readonly path: Path
  /** `spec.listeners[0].port` */
  readonly field: string
  /** What is wrong and how to mend it. */
  readonly message: string
}

export type Validated<Spec> =
  | { readonly ok: true; readonly spec: Spec }
  | { readonly ok: false; readonly problems: readonly Problem[] }

/** How the scalar at this path is written in the YAML text; undefined where there is no text. */
export type Written = (path: Path) => string | undefined

type JsonSchema = Readonly<Record<string, unknown>>

/** A JSON Schema that is stricter than the CRD's: it refuses unknown fields, and checks the strings by their form, too. */
function derive(schema: Schema): JsonSchema {
  if (schema.type === 'array') {
    const { 'x-kubernetes-list-type': _type, 'x-kubernetes-list-map-keys': _keys, items, ...rest } = schema
    return { ...rest, items: derive(items) }
  }
  if (schema.type === 'object') {
    if (!('properties' in schema)) return { ...schema, additionalProperties: derive(schema.additionalProperties) }
    const properties = Object.entries(schema.properties).map(([field, inner]) => [field, derive(inner)])
    return { ...schema, properties: Object.fromEntries(properties), additionalProperties: false }
  }
  if (schema.type === 'string') {
    const form = forms.get(schema.pattern ?? '')
    return form === undefined ? schema : { ...schema, format: form.name }
  }
  const { format: _format, ...rest } = schema as Extract<Schema, { type: 'integer' }>
  return rest
}

const metadata: JsonSchema = {
  type: 'object',
  required: ['name'],
  additionalProperties: false,
  properties: {
    name: derive(fields.objectName),
    namespace: derive(fields.namespaceName),
    labels: {
      type: 'object',
      propertyNames: derive(fields.labelName),
      additionalProperties: derive(fields.labelValue),
    },
    annotations: {
      type: 'object',
      propertyNames: derive(fields.annotationName),
      additionalProperties: { type: 'string' },
    },
    creationTimestamp: { type: ['string', 'null'], format: 'date-time' },
    generation: { type: 'integer', minimum: 0 },
    // An API server writes these; they may have any value here.
    ...Object.fromEntries(
      ['uid', 'resourceVersion', 'managedFields', 'ownerReferences', 'finalizers', 'selfLink', 'generateName'].map(
        (f) => [f, {}],
      ),
    ),
    deletionTimestamp: {},
    deletionGracePeriodSeconds: {},
  },
}

const wholeObject = (kind: Kind<never>): JsonSchema => ({
  type: 'object',
  required: ['apiVersion', 'kind', 'metadata', 'spec'],
  additionalProperties: false,
  properties: {
    apiVersion: { const: apiVersion },
    kind: { const: kind.kind },
    metadata,
    spec: derive(kind.spec),
    status: {},
  },
})

const ajv = new Ajv({ allErrors: true, useDefaults: true, verbose: true, strict: true, strictTypes: false })
for (const form of [...forms.values(), dateTime]) ajv.addFormat(form.name, form.fits)

const compiled = new Map<string, ValidateFunction>()
function validatorOf(key: string, schema: () => JsonSchema): ValidateFunction {
  const validator = compiled.get(key) ?? ajv.compile(schema())
  compiled.set(key, validator)
  return validator
}

/** Turns a JSON pointer into a path; a step is a number where the value there is a list. */
function pathAt(root: unknown, pointer: string): Path {
  let at = root
  return pointer
    .split('/')
    .slice(1)
    .map((raw) => {
      const name = raw.replaceAll('~1', '/').replaceAll('~0', '~')
      const step = Array.isArray(at) ? Number(name) : name
      at = (at as Record<string | number, unknown>)[step]
      return step
    })
}

const formNames = new Map([...forms.values(), dateTime].map((form) => [form.name, form.says]))

/** The key of a map, where the key itself is wrong and not its value. */
const nameIn = ({ propertyName, params }: ErrorObject): unknown => propertyName ?? params['propertyName']

function problemOf(error: ErrorObject, root: unknown, writtenAt: Written): Problem {
  const own = error.params['additionalProperty'] ?? error.params['missingProperty'] ?? nameIn(error)
  const path = [...pathAt(root, error.instancePath), ...(own === undefined ? [] : [String(own)])]
  const parent = (error.parentSchema ?? {}) as { properties?: object; format?: string; pattern?: string }
  const says = formNames.get(parent.format ?? '') ?? `of the form ${parent.pattern}`
  const known = Object.keys(parent.properties ?? {})
  const written = writtenAt(path)
  const itself = quotesDo(error.data, parent.pattern, written)
  const value = itself || written === undefined || written === JSON.stringify(error.data) ? error.data : written
  const fault = { ...error, keyword: itself ? error.keyword : 'pattern', value, written, known, says }
  return { path, field: fieldOf(path), message: faultText(fault) }
}

/**
 * Whether quotes would mend a number where a text is wanted. Not where the text would be invalid, too: a 30 is no duration, a 1e6
 * no size.
 */
const quotesDo = (value: unknown, pattern: string | undefined, written: string | undefined): boolean =>
  typeof value !== 'number' || pattern === undefined || new RegExp(pattern).test(written ?? String(value))

/**
 * Only the first problem of each field: a value of the wrong type violates other keywords as well, which tells a person nothing
 * more.
 */
const firstPerField = (problems: readonly Problem[]): readonly Problem[] =>
  [...Map.groupBy(problems, ({ field }) => field).values()].flatMap(([first]) => first ?? [])

function check(key: string, schema: () => JsonSchema, value: unknown, written: Written): readonly Problem[] {
  const validator = validatorOf(key, schema)
  if (validator(value)) return []
  const errors = (validator.errors ?? []).toSorted(
    (a, b) => Number(b.keyword === 'type') - Number(a.keyword === 'type'),
  )
  return firstPerField(errors.map((e) => problemOf(e, value, written)))
}

const duplicateProblems = (kind: Kind<never>, spec: unknown): readonly Problem[] =>
  duplicates(kind.spec, spec, ['spec']).map(({ path, name, mend }) => ({
    path,
    field: fieldOf(path),
    message: `${JSON.stringify(name)} stands twice in this list; ${mend}`,
  }))

function nameProblems(kind: Kind<never>, object: unknown): readonly Problem[] {
  const name = (object as { metadata?: { name?: unknown } } | null)?.metadata?.name
  if (kind.name === undefined || typeof name !== 'string') return []
  const fits = name.length <= kind.name.maxLength && new RegExp(kind.name.pattern).test(name)
  return fits ? [] : [{ path: ['metadata', 'name'], field: 'metadata.name', message: kind.name.message }]
}

const rulesBroken = <Spec>(kind: Kind<Spec>, spec: Spec): readonly Problem[] =>
  kind.rules.filter((rule) => !rule.holds(spec)).map(({ field, message }) => ({ path: pathOf(field), field, message }))

const nowhere: Written = () => undefined

/** Validates one object against its kind. The object itself is not changed. */
export function validate<Spec>(kind: Kind<Spec>, object: unknown, written = nowhere): Validated<Spec> {
  const copy = structuredClone(object) as { readonly spec: Spec }
  const schema = check(kind.kind, () => wholeObject(kind), copy, written)
  const shape = [...schema, ...duplicateProblems(kind, copy?.spec)]
  const rules = shape.length > 0 ? [] : rulesBroken(kind, copy.spec)
  const problems = [...shape, ...nameProblems(kind, object), ...rules]
  return problems.length > 0 ? { ok: false, problems } : { ok: true, spec: copy.spec }
}

/** Everything for which an API server would refuse a status that we are about to write. */
export const statusProblems = (kind: Kind<never>, status: unknown): readonly Problem[] =>
  check(`${kind.kind}/status`, () => derive(kind.status), structuredClone(status), nowhere)
