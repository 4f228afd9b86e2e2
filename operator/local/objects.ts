/** Objects in YAML text: each knows its place, and every problem names the line that a person has to change. */
import { type Document, isScalar, LineCounter, parseAllDocuments, type ScalarTag, type YAMLError } from 'yaml'
import type { Path } from '../../crds/field-path.ts'
import type { Invalid } from '../compile/snapshot.ts'
import { readDeclared } from './declarations.ts'
import type { Declared } from './declared-object.ts'
import { offsetOf } from './offset.ts'
import { repeatedKey } from './repeated-key.ts'

export type Position = { readonly file: string; readonly line: number; readonly column: number }

export type LocatedProblem = Position & {
  /** `RelayPolicy mail/shared`; absent where the text does not say which object it is. */
  readonly object?: string
  /** `spec.listeners[0].port` */
  readonly field?: string
  /** What is wrong and how to mend it; never a value of a Secret. */
  readonly message: string
}

/** Where in the text an object stands; for `locate`. */
export type Source = { readonly file: string; readonly document: Document; readonly lines: LineCounter }

/** `object` is `RelayPolicy mail/shared`, `Secret mail/ses` or `Namespace team-a`. */
export type LocatedObject = Declared & { readonly object: string; readonly source: Source }

export type Read = {
  readonly objects: readonly LocatedObject[]
  readonly problems: readonly LocatedProblem[]
  /** The file, where part of it could not be understood well enough to say which objects it declares. */
  readonly unread: readonly string[]
}

/** What kubectl takes for a truth value where it is not quoted (YAML 1.1): the same YAML means the same here. */
const truths: ScalarTag = {
  tag: 'tag:yaml.org,2002:bool',
  default: true,
  test: /^(?:y|n|yes|no|on|off|Y|N|Yes|No|On|Off|YES|NO|ON|OFF)$/,
  resolve: (text) => /^(?:y|yes|on)$/i.test(text),
}

/** And for a number: _ between digits is for the eye, and a leading 0 makes octal digits octal. */
const numbers: ScalarTag = {
  tag: 'tag:yaml.org,2002:float',
  default: true,
  test: /^[-+]?[0-9][0-9_]*(?:\.[0-9_]*)?(?:[eE][-+]?[0-9]+)?$/,
  resolve(text) {
    const plain = text.replaceAll('_', '')
    return /^[-+]?0[0-7]+$/.test(plain) ? Number.parseInt(plain, 8) : Number(plain)
  },
}

/** Every object of a text, and every problem; an object with a problem is there as `invalid`. */
export function readObjects(text: string, file: string): Read {
  const lines = new LineCounter()
  const documents = parseAllDocuments(text, {
    lineCounter: lines,
    prettyErrors: false,
    // Its warnings are in the document; those that it tells by itself quote what may be a Secret's value.
    logLevel: 'error',
    // Looked for in one walk.
    uniqueKeys: false,
    customTags: (tags) => [truths, numbers, ...tags],
    // kubectl's YAML has these as well.
    merge: true,
  })
  return joinReads([...documents].map((document) => readDocument({ file, document, lines })))
}

/** Where a field stands, or its nearest ancestor that is written down. */
export const locate = (object: LocatedObject, path: Path): Position =>
  positionOf(object.source, offsetOf(object.source.document, path))

function positionOf({ file, lines }: Source, offset: number): Position {
  const { line, col } = lines.linePos(offset)
  return { file, line, column: col }
}

/** Where the parser puts what it quotes among its own words, ours stand in their place. */
const ownWords: Readonly<Record<string, string>> = {
  TAG_RESOLVE_FAILED: 'what begins with ! is read as a tag, and this is none; put text that begins with ! in quotes',
  BAD_DQ_ESCAPE: 'a backslash in double quotes begins an escape, and this is none; write two, or take single quotes',
}

const repeatedText =
  'this key is there twice in one object; take one of the two away, or put a line --- before the next object'

/** What the parser quotes may be a Secret's value, so only its own words are kept. */
const withoutQuotation = ({ code, message }: YAMLError): string =>
  ownWords[code] ?? (/^[^:"]*/.exec(message)?.[0] ?? '').trim()

const nothing: Read = { objects: [], problems: [], unread: [] }

/** What follows a last line ---, with comments or without. */
const isEmpty = ({ contents }: Document): boolean =>
  contents === null || (isScalar(contents) && contents.value === null)

function readDocument(source: Source): Read {
  const { document, file } = source
  // What the parser meets behind its first error follows from that one.
  const fault = document.errors[0] ?? document.warnings[0]
  const unread = (problems: readonly LocatedProblem[]): Read => ({ objects: [], problems, unread: [file] })
  if (fault !== undefined) {
    const message = `this is not well-formed YAML: ${withoutQuotation(fault)}`
    return unread([{ ...positionOf(source, fault.pos[0]), message }])
  }
  if (document.directives?.yaml.explicit === true) {
    const message = 'kubectl does not read what has a line %YAML before it; take that line out'
    return unread([{ ...positionOf(source, document.range?.[0] ?? 0), message }])
  }
  const repeated = repeatedKey(document)
  if (repeated !== undefined)
    return unread([{ ...positionOf(source, repeated.range?.[0] ?? 0), message: repeatedText }])
  if (isEmpty(document)) return nothing
  const { foreign, object, declared, faults: problems } = readDeclared(document)
  if (foreign) return nothing
  const located = problems.map(({ path, ...problem }) => ({
    ...positionOf(source, offsetOf(document, path)),
    ...(object === undefined ? {} : { object }),
    ...problem,
  }))
  if (object === undefined || declared === undefined) return unread(located)
  return { objects: [{ ...declared, object, source }], problems: located, unread: [] }
}

/** Several texts as one: an object declared twice is a problem at its second place, and invalid. */
export function joinReads(reads: readonly Read[]): Read {
  const objects = new Map<string, LocatedObject>()
  const problems = reads.flatMap((r) => r.problems)
  for (const again of reads.flatMap((r) => r.objects)) {
    const first = objects.get(again.object)
    if (first === undefined) {
      objects.set(again.object, again)
      continue
    }
    const [there, here] = [locate(first, ['metadata', 'name']), locate(again, ['metadata', 'name'])]
    objects.set(again.object, ambiguous(first, `${printed(there)} and ${printed(here)}`))
    const message = `${again.object} is declared twice, first at ${printed(there)}; take one of the two away`
    problems.push({ ...here, object: again.object, field: 'metadata.name', message })
  }
  const unread = [...new Set(reads.flatMap((r) => r.unread))]
  return { objects: [...objects.values()], problems: problems.toSorted(inReadingOrder), unread }
}

const printed = ({ file, line }: Position): string => `${file}:${line}`

const inReadingOrder = (a: Position, b: Position): number =>
  a.file.localeCompare(b.file) || a.line - b.line || a.column - b.column

/** Nobody can say which of the two was meant, so neither takes effect and what runs stays. */
function ambiguous(first: LocatedObject, places: string): LocatedObject {
  if (first.declares !== 'resource') return first
  const { labels: _, ...rest } = first.resource
  const invalid: Invalid = { ...rest, problems: [`declared twice, at ${places}; take one of the two away`] }
  return { declares: 'invalid', invalid, object: first.object, source: first.source }
}
