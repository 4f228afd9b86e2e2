/** Whether a cluster serves our kinds, and with which fields. Every user may ask that. */
import { apiVersion, group, kinds } from '../../../crds/kinds.ts'
import type { Kind, Schema } from '../../../crds/schema.ts'
import { isNotFound } from '../api/api-error.ts'
import type { Wire } from '../api/wire.ts'

export type Installed = {
  /** Names of kinds that are not served: `relaypolicies`. */
  readonly missing: readonly string[]
  /** Fields of this version that the cluster does not know: `relaypolicies: status.configHash`. */
  readonly unknown: readonly string[]
  /** Fields that the cluster knows and this version does not. */
  readonly newer: readonly string[]
}

const callMs = 15_000
const everyKind: readonly Kind<never>[] = kinds

/** @throws ApiError */
export async function installed(wire: Wire, signal: AbortSignal): Promise<Installed> {
  const served = await servedKinds(wire, signal)
  const missing = everyKind.filter(({ plural }) => !served.has(plural)).map(({ plural }) => plural)
  if (missing.length > 0) return { missing, unknown: [], newer: [] }
  return { missing, ...compared(await published(wire, signal)) }
}

async function servedKinds(wire: Wire, signal: AbortSignal): Promise<ReadonlySet<string>> {
  try {
    const body = await wire.call({ method: 'GET', path: `/apis/${apiVersion}`, timeoutMs: callMs, signal })
    return new Set(((body as { resources?: { name: string }[] }).resources ?? []).map(({ name }) => name))
  } catch (error) {
    if (isNotFound(error)) return new Set()
    throw error
  }
}

type Published = Readonly<Record<string, unknown>>

/** The schemas by kind, as the API server publishes them for kubectl explain; empty where it has not published them yet. */
async function published(wire: Wire, signal: AbortSignal): Promise<Published> {
  try {
    const path = `/openapi/v3/apis/${apiVersion}`
    const body = (await wire.call({ method: 'GET', path, timeoutMs: callMs, signal })) as OpenApi
    const schemas = Object.values(body.components?.schemas ?? {})
    return Object.fromEntries(schemas.map((s) => [s['x-kubernetes-group-version-kind']?.[0]?.kind ?? '', s]))
  } catch (error) {
    if (isNotFound(error)) return {}
    throw error
  }
}

type OpenApi = {
  readonly components?: {
    readonly schemas?: Readonly<Record<string, { 'x-kubernetes-group-version-kind'?: { kind: string }[] }>>
  }
}

function compared(schemas: Published): Pick<Installed, 'unknown' | 'newer'> {
  const differences = everyKind.flatMap((kind) => {
    const there = schemas[kind.kind] as Node | undefined
    if (there === undefined) return []
    const [ours, theirs] = [fieldsOf(ownNode(kind)), fieldsOf(partsOf(there))]
    const only = (here: ReadonlySet<string>, other: ReadonlySet<string>) =>
      [...here].filter((field) => !other.has(field)).map((field) => `${kind.plural}: ${field}`)
    return [{ unknown: only(ours, theirs), newer: only(theirs, ours) }]
  })
  return { unknown: differences.flatMap((d) => d.unknown), newer: differences.flatMap((d) => d.newer) }
}

/** The part of a schema that says which fields there are. */
type Node = {
  readonly properties?: Readonly<Record<string, Node>>
  readonly items?: Node
}

const partsOf = ({ properties = {} }: Node): Node => {
  const { spec = {}, status = {} } = properties
  return { properties: { spec, status } }
}
const ownNode = ({ spec, status }: { readonly spec: Schema; readonly status: Schema }): Node => ({
  properties: { spec: spec as Node, status: status as Node },
})

/** The paths of all fields, as `spec.listeners.name`. */
function fieldsOf({ properties = {}, items }: Node, path = ''): ReadonlySet<string> {
  if (items !== undefined) return fieldsOf(items, path)
  const found = Object.entries(properties).flatMap(([name, inner]) => {
    const at = path === '' ? name : `${path}.${name}`
    return [at, ...fieldsOf(inner, at)]
  })
  return new Set(found)
}

/** The name of the CustomResourceDefinition of a kind, for messages. */
export const crdName = (plural: string): string => `${plural}.${group}`
