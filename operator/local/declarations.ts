/** Reads what one YAML document declares: of which kinds, which objects, and whether they are valid. */
import { type Document, isScalar } from 'yaml'
import { didYouMean } from '../../crds/did-you-mean.ts'
import { namespaceName, objectName } from '../../crds/fields.ts'
import { forms } from '../../crds/forms.ts'
import { apiVersion, group, kinds } from '../../crds/kinds.ts'
import { faultText } from '../../crds/problem-text.ts'
import type { Kind } from '../../crds/schema.ts'
import { type Path, validate, type Written } from '../../crds/validate.ts'
import { ownAnnotations } from '../compile/own-annotations.ts'
import type { Credential, Domain, Invalid, Policy } from '../compile/snapshot.ts'
import { lostAlias } from './alias.ts'
import type { Declared } from './declared-object.ts'
import { type Fault, type Fields, fault, fieldsOf } from './fault.ts'
import { readConfigMap, readSecret } from './keyed.ts'

/** Without an `object`, either it is not known what is declared, or it is `foreign`: an object of no concern to us. */
type Declaration = {
  /** Where in the document it stands: `[]`, or `['items', 2]` in a List. The paths of its faults begin there. */
  readonly within: Path
  readonly foreign?: true
  readonly object?: string
  readonly declared?: Declared
  readonly faults: readonly Fault[]
}

const noText = (path: Path, value: unknown, written: Written): Fault =>
  fault(
    path,
    faultText({ keyword: 'type', params: { type: 'string' }, value, written: written(path), known: [], says: '' }),
  )

/** The labels whose values are texts; the validator reports any others. */
const textsOf = (value: unknown): Readonly<Record<string, string>> =>
  Object.fromEntries(Object.entries(fieldsOf(value)).filter((e): e is [string, string] => typeof e[1] === 'string'))

type Identity = { readonly namespace: string; readonly name: string }
type Reader = (
  value: Fields,
  identity: Identity,
  written: Written,
) => { readonly declared?: Declared; readonly faults: readonly Fault[] }

const resourceReader =
  (kind: (typeof kinds)[number]): Reader =>
  (value, identity, written) => {
    const metadata = fieldsOf(value['metadata'])
    const generation = typeof metadata['generation'] === 'number' ? metadata['generation'] : 1
    const named = { kind: kind.kind as Invalid['kind'], ...identity, generation }
    const result = validate(kind as Kind<never>, value, written)
    const creationTimestamp = String(metadata['creationTimestamp'] ?? '')
    if (!result.ok) {
      const problems = result.problems.map((p) => `${p.field}: ${p.message}`)
      const invalid = { ...named, problems, creationTimestamp, spec: value['spec'] }
      return { declared: { declares: 'invalid', invalid }, faults: result.problems }
    }
    const resource = {
      ...named,
      labels: textsOf(metadata['labels']),
      ...(kind.kind === 'RelayPolicy' && ownAnnotations(textsOf(metadata['annotations']))),
      creationTimestamp,
      spec: result.spec,
    } as Policy | Domain | Credential
    return { declared: { declares: 'resource', resource }, faults: [] }
  }

/**
 * With an invalid label, the whole namespace counts as unread: if the label were merely left out, consent by it would be revoked.
 */
const readNamespace: Reader = (value, { name }, written) => {
  const { labels } = fieldsOf(value['metadata'])
  const faults = Object.entries(fieldsOf(labels)).flatMap(([label, text]) =>
    typeof text === 'string' ? [] : [noText(['metadata', 'labels', label], text, written)],
  )
  return faults.length > 0 ? { faults } : { declared: { declares: 'namespace', name, labels: textsOf(labels) }, faults }
}

const readers: ReadonlyMap<string, { readonly apiVersion: string; readonly read: Reader }> = new Map([
  ...kinds.map((kind) => [kind.kind, { apiVersion, read: resourceReader(kind) }] as const),
  ['Namespace', { apiVersion: 'v1', read: readNamespace }],
  ['Secret', { apiVersion: 'v1', read: readSecret }],
  ['ConfigMap', { apiVersion: 'v1', read: readConfigMap }],
])

function kindFault(value: Fields): Fault | undefined {
  const kind = String(value['kind'] ?? '')
  if (isList(value)) return fault(['kind'], 'a List is not read inside of a List; put its items into the outer one')
  const known = readers.get(kind)
  if (known === undefined) {
    const all = [...readers.keys()].join(', ')
    if (kind === '') return fault(['kind'], `kind is missing; add it: ${all}`)
    const near = didYouMean(kind, [...readers.keys()])
    const mend = near === undefined ? `known here: ${all}` : `did you mean "${near}"?`
    return fault(['kind'], `there is no kind ${JSON.stringify(kind)} here; ${mend}`)
  }
  if (value['apiVersion'] === known.apiVersion) return undefined
  return fault(['apiVersion'], `the apiVersion of a ${kind} must be ${known.apiVersion}`)
}

const isList = ({ kind }: Fields): boolean => kind === 'List'

/**
 * Objects of other kinds, e.g. an application's Deployment, are ignored; but a kind that is spelled nearly like one of ours is a
 * mistake.
 */
function isForeign(value: Fields): boolean {
  const { kind, apiVersion: given } = value
  if (typeof kind !== 'string' || typeof given !== 'string' || isList(value)) return false
  return !given.startsWith(`${group}/`) && !readers.has(kind) && didYouMean(kind, [...readers.keys()]) === undefined
}

function jsOf(document: Document): Fields | undefined {
  try {
    return fieldsOf(document.toJS({ maxAliasCount: 100 }))
  } catch {
    return undefined
  }
}

function unfolding(document: Document): Fault {
  const lost = lostAlias(document)
  return lost === undefined
    ? fault([], 'the aliases (*name) expand to too much, or << merges something that has no fields; write it out')
    : fault(lost, 'this alias (*name) has no anchor; put text that begins with * in quotes')
}

/** How the scalar at a path below `within` is written in the text; undefined for anything else. */
const writtenIn =
  (document: Document, within: Path): Written =>
  (path) => {
    const node = document.getIn([...within, ...path], true)
    return isScalar(node) ? node.source : undefined
  }

/** Names become parts of file paths and host names, so a document with an invalid name is not taken for an object at all. */
function nameFaults(
  field: string,
  value: unknown,
  form: typeof objectName | typeof namespaceName,
  writtenAt: Written,
): readonly Fault[] {
  if (value === undefined || value === null) return [fault(['metadata', field], `${field} is missing; add it`)]
  if (typeof value !== 'string') return [noText(['metadata', field], value, writtenAt)]
  const fits = value.length <= form.maxLength && new RegExp(form.pattern).test(value)
  const says = `is not ${forms.get(form.pattern)?.says}, at most ${form.maxLength} of them`
  return fits ? [] : [fault(['metadata', field], `${JSON.stringify(value)} ${says}`)]
}

function readObject(value: Fields, within: Path, written: Written): Declaration {
  if (isForeign(value)) return { within, foreign: true, faults: [] }
  const wrongKind = kindFault(value)
  if (wrongKind !== undefined) return { within, faults: [wrongKind] }
  const kind = String(value['kind'])
  const metadata = fieldsOf(value['metadata'])
  const { name, namespace = 'default' } = metadata
  const faults = [
    ...nameFaults('name', name, objectName, written),
    ...nameFaults('namespace', namespace, namespaceName, written),
  ]
  if (faults.length > 0) return { within, faults }
  const identity = { namespace: String(namespace), name: String(name) }
  const object = kind === 'Namespace' ? `Namespace ${name}` : `${kind} ${namespace}/${name}`
  const read = readers.get(kind)?.read({ ...value, metadata }, identity, written)
  return { within, object, ...read, faults: read?.faults ?? [] }
}

/**
 * A List, as `kubectl get -o yaml` prints it, declares what each of its items does. `document` must be well-formed YAML.
 */
export function readDeclared(document: Document): readonly Declaration[] {
  const value = jsOf(document)
  if (value === undefined) return [{ within: [], faults: [unfolding(document)] }]
  if (!isList(value)) return [readObject(value, [], writtenIn(document, []))]
  const { apiVersion: given, items } = value
  const wrong = (field: string, message: string) => [{ within: [], faults: [fault([field], message)] }]
  if (given !== 'v1') return wrong('apiVersion', 'the apiVersion of a List must be v1')
  if (!Array.isArray(items)) return wrong('items', 'a List has its objects in items; add it')
  return items.map((item, i) => readObject(fieldsOf(item), ['items', i], writtenIn(document, ['items', i])))
}
