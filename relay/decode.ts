/** Strict decoders: a value is exactly what the contract says, or an error names the path. Unknown fields are errors, unless asked otherwise. */

class DecodeError extends Error {
  readonly path: string
  readonly why: string
  constructor(path: string, why: string) {
    super(`${path}: ${why}`)
    this.path = path
    this.why = why
  }
}

/** What becomes of a field that no shape has. */
export type Unknown = 'refused' | 'left out'
export type Decoder<T> = (value: unknown, unknown?: Unknown) => T
export type Decoded<D> = D extends Decoder<infer T> ? T : never

const fail = (why: string, path = ''): never => {
  throw new DecodeError(path, why)
}

const named = (error: unknown, step: string): unknown =>
  error instanceof DecodeError ? new DecodeError(step + error.path, error.why) : error

/** The path of a wrong field is put together only when an error passes through: made in advance it would double the time. */
function inside<T>(decode: Decoder<T>, value: unknown, step: string | number, unknown?: Unknown): T {
  try {
    return decode(value, unknown)
  } catch (error) {
    throw named(error, typeof step === 'number' ? `[${step}]` : `.${step}`)
  }
}

export const text: Decoder<string> = (value) => (typeof value === 'string' ? value : fail('is not a string'))

/** A text of which `holds` is true; `why` completes the sentence that its field is not so. */
export const textWhich =
  (holds: (value: string) => boolean, why: string): Decoder<string> =>
  (value) => {
    const read = text(value)
    return holds(read) ? read : fail(why)
  }

export const flag: Decoder<boolean> = (value) => (typeof value === 'boolean' ? value : fail('is not true or false'))

export const count: Decoder<number> = (value) =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : fail('is not a whole number')

export const oneOf =
  <const T extends readonly string[]>(...values: T): Decoder<T[number]> =>
  (value) =>
    values.find((v) => v === value) ?? fail(`is not one of ${values.join(', ')}`)

export const list =
  <T>(item: Decoder<T>): Decoder<readonly T[]> =>
  (value, unknown) =>
    Array.isArray(value) ? value.map((v, i) => inside(item, v, i, unknown)) : fail('is not a list')

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

export const object = <S extends Shape>(shape: S): Decoder<ObjectOf<S>> => {
  const fields = Object.entries(shape)
  return (value, unknown = 'refused') => {
    if (!isRecord(value)) return fail('is not an object')
    const other = unknown === 'refused' ? Object.keys(value).find((key) => !Object.hasOwn(shape, key)) : undefined
    if (other !== undefined) return fail('is not a field of this configuration', `.${other}`)
    const decoded: Record<string, unknown> = {}
    for (const [key, field] of fields) {
      if (typeof field === 'function') decoded[key] = inside(field, value[key], key, unknown)
      else if (value[key] !== undefined) decoded[key] = inside(field.optional, value[key], key, unknown)
    }
    return decoded as ObjectOf<S>
  }
}

/** @throws {DecodeError} with a path that begins with `name`. */
export function decoded<T>(decode: Decoder<T>, value: unknown, name: string, unknown?: Unknown): T {
  try {
    return decode(value, unknown)
  } catch (error) {
    throw named(error, name)
  }
}
