/** A problem in one document, before its line is known; and safe access to fields of unknown type. */
import { fieldOf, type Path } from '../../crds/field-path.ts'

export type Fault = { readonly path: Path; readonly field: string; readonly message: string }

export const fault = (path: Path, message: string): Fault => ({ path, field: fieldOf(path), message })

export type Fields = Readonly<Record<string, unknown>>

/** The fields of an object; none for any other value. */
export const fieldsOf = (value: unknown): Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : {}
