/**
 * Reads Secrets and ConfigMaps in YAML: keys for compile, values for the code that writes files. Messages must quote no value.
 */
import type { Name } from '../compile/snapshot.ts'
import type { Declared } from './declared-object.ts'
import { type Fault, type Fields, fault, fieldsOf } from './fault.ts'

type Values = ReadonlyMap<string, Uint8Array>
type Result = { readonly declared: Declared; readonly faults: readonly Fault[] }
/** How the texts of `data`, `stringData` or `binaryData` become octets; undefined where a text is not in that encoding. */
type Encoding = (text: string) => Uint8Array | undefined

const utf8: Encoding = (text) => Buffer.from(text, 'utf8')
const base64: Encoding = (text) => {
  const plain = text.replaceAll(/\s/g, '')
  return /^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(plain)
    ? Buffer.from(plain, 'base64')
    : undefined
}

/** A key becomes the name of a file, so it has to be a valid one (Kubernetes' own rule). */
const keyPattern = /^[-._a-zA-Z0-9]{1,253}$/
const isFileName = (key: string): boolean => keyPattern.test(key) && key !== '.' && !key.startsWith('..')

function readField(
  field: string,
  encoding: Encoding,
  value: unknown,
  values: Map<string, Uint8Array>,
): readonly Fault[] {
  return Object.entries(fieldsOf(value)).flatMap(([key, text]) => {
    if (!isFileName(key))
      return [fault([field], "a key may have only letters, digits, '-', '_' and '.', and may not begin with '..'")]
    if (typeof text !== 'string') return [fault([field, key], 'must be text; write it in quotes')]
    const octets = encoding(text)
    if (octets === undefined) return [fault([field, key], 'is not base64; put plain text under stringData')]
    values.set(key, octets)
    return []
  })
}

function read(
  kind: 'Secret' | 'ConfigMap',
  name: Name,
  value: Fields,
  encodings: Readonly<Record<string, Encoding>>,
): Result {
  const values = new Map<string, Uint8Array>()
  const known = [
    'apiVersion',
    'kind',
    'metadata',
    'immutable',
    ...(kind === 'Secret' ? ['type'] : []),
    ...Object.keys(encodings),
  ]
  const unknown = Object.keys(value).filter((f) => !known.includes(f))
  const faults = [
    ...unknown.map((f) => fault([f], `a ${kind} has no such field; known here: ${known.join(', ')}`)),
    ...Object.entries(encodings).flatMap(([field, encoding]) => readField(field, encoding, value[field], values)),
  ]
  const type = kind === 'Secret' ? String(value['type'] ?? 'Opaque') : ''
  const keyed = { type, keys: [...values.keys()].toSorted() }
  return { declared: { declares: 'keyed', kind, name, keyed, values: values as Values }, faults }
}

type Identity = { readonly namespace: string; readonly name: string }

export const readSecret = (value: Fields, { namespace, name }: Identity): Result =>
  read('Secret', `${namespace}/${name}`, value, { data: base64, stringData: utf8 })
export const readConfigMap = (value: Fields, { namespace, name }: Identity): Result =>
  read('ConfigMap', `${namespace}/${name}`, value, { data: utf8, binaryData: base64 })
