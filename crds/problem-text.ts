/** Words each violation of a schema as one line: what is wrong with the value, and how to mend it. */
import { didYouMean } from './did-you-mean.ts'

/** One violation, in the terms of JSON Schema (and of Ajv's `ErrorObject`). */
export type Fault = {
  readonly keyword: string
  readonly params: Readonly<Record<string, unknown>>
  readonly value: unknown
  /** How the value is written in the YAML text, where that is known: `007` for the number 7. */
  readonly written?: string | undefined
  /** The fields that the object may have, for a violation by an unknown field. */
  readonly known: readonly string[]
  /** What a valid string is called (`Form.says`). */
  readonly says: string
}

const shown = (value: unknown): string => {
  const text = JSON.stringify(value) ?? 'nothing'
  return text.length > 80 ? `${text.slice(0, 80)}…` : text
}
const meant = (word: string, known: readonly string[]): string => {
  const near = didYouMean(word, known)
  return near === undefined ? `; known here: ${known.join(', ')}` : `; did you mean "${near}"?`
}

const wanted: Readonly<Record<string, string>> = {
  string: 'text',
  integer: 'a whole number',
  boolean: 'true or false',
  array: "a list; write each entry on a line of its own that starts with '- '",
  object: 'an object with fields of its own',
}
const bare: Readonly<Record<string, RegExp>> = { integer: /^\d+$/, boolean: /^(true|false)$/ }

/** A hint where only the quotes are wrong: YAML reads 1.2 as a number and "587" as text, and people do not see the difference. */
const quoting = (type: string, value: unknown, written?: string): string => {
  if (type === 'string' && typeof value === 'boolean') {
    return '; YAML reads on, off, yes, no, true and false without quotes as a truth value: write the word in quotes'
  }
  if (type === 'string' && typeof value !== 'object') return `; write it in quotes: "${written ?? String(value)}"`
  return typeof value === 'string' && bare[type]?.test(value) ? '; write it without quotes' : ''
}
const typeText = (type: string, value: unknown, written?: string): string => {
  if (value === null) return 'is empty; give it a value, or remove the field'
  return `must be ${wanted[type] ?? type}${quoting(type, value, written)}`
}

const enumText = (allowed: readonly string[], value: unknown): string => {
  const near = typeof value === 'string' ? didYouMean(value, allowed) : undefined
  const choice = `${shown(value)} is not one of ${allowed.join(', ')}`
  return near === undefined ? choice : `${choice}; did you mean "${near}"?`
}

const texts: Readonly<Record<string, (fault: Fault) => string>> = {
  additionalProperties: ({ params, known }) => {
    const field = String(params['additionalProperty'])
    return `there is no field ${JSON.stringify(field)}${meant(field, known)}`
  },
  required: ({ params }) => `${String(params['missingProperty'])} is missing and has no default; add it`,
  type: ({ params, value, written }) => typeText(String(params['type']), value, written),
  enum: ({ params, value }) => enumText(params['allowedValues'] as readonly string[], value),
  const: ({ params, value }) => `${shown(value)} must be ${shown(params['allowedValue'])}`,
  pattern: ({ value, says }) => `${shown(value)} is not ${says}`,
  format: ({ value, says }) => `${shown(value)} is not ${says}`,
  minLength: ({ params }) => `must have at least ${String(params['limit'])} characters`,
  maxLength: ({ params }) => `must have at most ${String(params['limit'])} characters`,
  minItems: ({ params }) => `must have at least ${String(params['limit'])} entries`,
  maxItems: ({ params }) => `must have at most ${String(params['limit'])} entries`,
  maxProperties: ({ params }) => `must have at most ${String(params['limit'])} entries`,
  minimum: ({ params, value }) => `${shown(value)} is too small; the least is ${String(params['limit'])}`,
  maximum: ({ params, value }) => `${shown(value)} is too large; the most is ${String(params['limit'])}`,
}

export const faultText = (fault: Fault): string => texts[fault.keyword]?.(fault) ?? `does not satisfy ${fault.keyword}`
