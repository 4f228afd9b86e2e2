/** A problem of one document before it has a line, and the reading of fields that may be anything. */
import { fieldOf, type Path } from '../../crds/field-path.ts'

export type Fault = { readonly path: Path; readonly field: string; readonly message: string }

export const fault = (path: Path, message: string): Fault => ({ path, field: fieldOf(path), message })

export type Fields = Readonly<Record<string, unknown>>

/** The fields of an object; of anything else there are none. */
export const fieldsOf = (value: unknown): Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : {}
