/** Strict decoders: a value is exactly what the contract says, or an error names the path. Unknown fields are errors. */

export class DecodeError extends Error {
  readonly path: string
  constructor(path: string, message: string) {
    super(`${path}: ${message}`)
    this.path = path
  }
}

export type Decoder<T> = (value: unknown, path: string) => T
export type Decoded<D> = D extends Decoder<infer T> ? T : never

const fail = (path: string, message: string): never => {
  throw new DecodeError(path, message)
}

export const text: Decoder<string> = (value, path) =>
  typeof value === 'string' ? value : fail(path, 'is not a string')

export const flag: Decoder<boolean> = (value, path) =>
  typeof value === 'boolean' ? value : fail(path, 'is not true or false')

export const count: Decoder<number> = (value, path) =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : fail(path, 'is not a whole number')

export const oneOf =
  <const T extends readonly string[]>(...values: T): Decoder<T[number]> =>
  (value, path) =>
    values.find((v) => v === value) ?? fail(path, `is not one of ${values.join(', ')}`)

export const list =
  <T>(item: Decoder<T>): Decoder<readonly T[]> =>
  (value, path) =>
    Array.isArray(value) ? value.map((v, i) => item(v, `${path}[${i}]`)) : fail(path, 'is not a list')

/** A field that may be absent; `undefined` never stands in the decoded object. */
export type Optional<T> = { readonly optional: Decoder<T> }
export const optional = <T>(decoder: Decoder<T>): Optional<T> => ({ optional: decoder })

type Shape = Readonly<Record<string, Decoder<unknown> | Optional<unknown>>>
type ObjectOf<S extends Shape> = {
  readonly [K in keyof S as S[K] extends Optional<unknown> ? never : K]: S[K] extends Decoder<infer T> ? T : never
} & {
  readonly [K in keyof S as S[K] extends Optional<unknown> ? K : never]?: S[K] extends Optional<infer T> ? T : never
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

export const object =
  <S extends Shape>(shape: S): Decoder<ObjectOf<S>> =>
  (value, path) => {
    if (!isRecord(value)) return fail(path, 'is not an object')
    const unknown = Object.keys(value).find((key) => !Object.hasOwn(shape, key))
    if (unknown !== undefined) return fail(`${path}.${unknown}`, 'is not a field of this configuration')
    const decoded: Record<string, unknown> = {}
    for (const [key, field] of Object.entries(shape)) {
      if (typeof field === 'function') decoded[key] = field(value[key], `${path}.${key}`)
      else if (value[key] !== undefined) decoded[key] = field.optional(value[key], `${path}.${key}`)
    }
    return decoded as ObjectOf<S>
  }
