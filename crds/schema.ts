/** The schema language: a literal that is at once a CRD schema, a TypeScript type and a validator. */

type Annotated = {
  readonly description?: string
}

export type StringSchema = Annotated & {
  readonly type: 'string'
  readonly maxLength: number
  readonly minLength?: number
  readonly enum?: readonly string[]
  readonly pattern?: string
  readonly format?: 'date-time'
  readonly default?: string
}
export type IntegerSchema = Annotated & {
  readonly type: 'integer'
  readonly format?: 'int32' | 'int64'
  readonly minimum?: number
  readonly maximum?: number
  readonly default?: number
}
export type BooleanSchema = Annotated & { readonly type: 'boolean'; readonly default?: boolean }
export type ListSchema = Annotated & {
  readonly type: 'array'
  readonly items: Schema
  readonly maxItems: number
  readonly minItems?: number
  readonly default?: readonly unknown[]
  readonly 'x-kubernetes-list-type'?: 'map' | 'set' | 'atomic'
  readonly 'x-kubernetes-list-map-keys'?: readonly string[]
}
export type ObjectSchema = Annotated & {
  readonly type: 'object'
  readonly properties: { readonly [field: string]: Schema }
  readonly required?: readonly string[]
  readonly default?: Readonly<Record<string, unknown>>
}
/** An object with arbitrary keys, e.g. labels. */
export type MapSchema = Annotated & {
  readonly type: 'object'
  readonly additionalProperties: StringSchema
  readonly maxProperties: number
}
export type Schema = StringSchema | IntegerSchema | BooleanSchema | ListSchema | ObjectSchema | MapSchema

type Properties = { readonly [field: string]: unknown }
type RequiredOf<S> = S extends { readonly required: readonly (infer R)[] } ? R : never
type Present<S, P extends Properties> = {
  [K in keyof P]: K extends RequiredOf<S> ? K : P[K] extends { readonly default: unknown } ? K : never
}[keyof P]

/**
 * The TypeScript type of a value after defaulting: a field that is required or has a default is present, any other may be absent.
 */
export type FromSchema<S> = S extends { readonly type: 'string'; readonly enum: readonly (infer E)[] }
  ? E
  : S extends { readonly type: 'string' }
    ? string
    : S extends { readonly type: 'integer' }
      ? number
      : S extends { readonly type: 'boolean' }
        ? boolean
        : S extends { readonly type: 'array'; readonly items: infer I }
          ? readonly FromSchema<I>[]
          : S extends { readonly type: 'object'; readonly properties: infer P extends Properties }
            ? { readonly [K in Present<S, P>]: FromSchema<P[K]> } & {
                readonly [K in Exclude<keyof P, Present<S, P>>]?: FromSchema<P[K]>
              }
            : S extends { readonly type: 'object' }
              ? Readonly<Record<string, string>>
              : never

/**
 * A rule across several fields of one object, written twice: in CEL for the API server, and in TypeScript for a YAML directory.
 * Both see the spec after defaulting. A test on a real API server checks that the two agree.
 */
export type CrossFieldRule<Spec> = {
  /** The field a person has to change, e.g. `spec.routes`. */
  readonly field: string
  /** CEL over the spec as `self`. */
  readonly cel: string
  /** What is wrong and how to mend it. */
  readonly message: string
  readonly holds: (spec: Spec) => boolean
}

/** A field that may never change once set. Only CEL: a YAML directory has no old object to compare with. */
export type ImmutableField = { readonly field: string; readonly cel: string; readonly message: string }

export type Kind<Spec = never> = {
  readonly kind: string
  readonly plural: string
  readonly singular: string
  readonly shortName: string
  readonly description: string
  readonly spec: ObjectSchema
  readonly status: ObjectSchema
  readonly rules: readonly CrossFieldRule<Spec>[]
  readonly immutable: readonly ImmutableField[]
  /** A stricter rule for metadata.name than Kubernetes' own, for a kind after which other objects are named. */
  readonly name?: { readonly pattern: string; readonly maxLength: number; readonly message: string }
  readonly columns: readonly Column[]
  readonly scale?: {
    readonly specReplicasPath: string
    readonly statusReplicasPath: string
    readonly labelSelectorPath: string
  }
  /** Labels of the CRD itself, e.g. the Service Binding marker. */
  readonly labels?: Readonly<Record<string, string>>
}

export type Column = {
  readonly name: string
  readonly type: 'string' | 'integer' | 'boolean' | 'date'
  readonly jsonPath: string
  readonly priority?: 0 | 1
  readonly description?: string
}
