/** Reads objects from YAML text. Each object knows its place, so that every problem names the line to change. */
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

/** Where an object is written; `within` is where it begins in the document. For `locate`. */
export type Source = {
  readonly file: string
  readonly document: Document
  readonly within: Path
  readonly lines: LineCounter
}

/** `object` is `RelayPolicy mail/shared`, `Secret mail/ses` or `Namespace team-a`. */
export type LocatedObject = Declared & { readonly object: string; readonly source: Source }

export type Read = {
  readonly objects: readonly LocatedObject[]
  readonly problems: readonly LocatedProblem[]
  /** The file, if it is not known which objects it declares, because part of it could not be understood. */
  readonly unread: readonly string[]
}

/** Words that kubectl reads as booleans (YAML 1.1). They are read in the same way here, so that the same YAML means the same. */
const truths: ScalarTag = {
  tag: 'tag:yaml.org,2002:bool',
  default: true,
  test: /^(?:y|n|yes|no|on|off|Y|N|Yes|No|On|Off|YES|NO|ON|OFF)$/,
  resolve: (text) => /^(?:y|yes|on)$/i.test(text),
}

/** Numbers as in YAML 1.1: `_` between digits is ignored, and a leading 0 makes a number octal. */
const numbers: ScalarTag = {
  tag: 'tag:yaml.org,2002:float',
  default: true,
  test: /^[-+]?[0-9][0-9_]*(?:\.[0-9_]*)?(?:[eE][-+]?[0-9]+)?$/,
  resolve(text) {
    const plain = text.replaceAll('_', '')
    return /^[-+]?0[0-7]+$/.test(plain) ? Number.parseInt(plain, 8) : Number(plain)
  },
}

/** All objects of a text, and all problems. An object with a problem is among the objects as `invalid`. */
export function readObjects(text: string, file: string): Read {
  const lines = new LineCounter()
  const documents = parseAllDocuments(text, {
    lineCounter: lines,
    prettyErrors: false,
    // Warnings are taken from the document. Printed by the parser itself, they would quote text that may be a Secret's value.
    logLevel: 'error',
    // Duplicate keys are found by `repeatedKey` instead, in a single walk.
    uniqueKeys: false,
    customTags: (tags) => [truths, numbers, ...tags],
    // kubectl knows merge keys (`<<`), too.
    merge: true,
  })
  return joinReads([...documents].flatMap((document) => readDocument({ file, document, within: [], lines })))
}

/** The position of a field, or of its nearest ancestor that is written in the text. */
export const locate = ({ source }: LocatedObject, path: Path): Position => positionIn(source, path)

/** Whether a field is written in the text, or has its default. */
export const isWritten = ({ source: { document, within } }: LocatedObject, path: Path): boolean =>
  document.hasIn([...within, ...path])

const positionIn = (source: Source, path: Path): Position =>
  positionOf(source, offsetOf(source.document, [...source.within, ...path]))

function positionOf({ file, lines }: Source, offset: number): Position {
  const { line, col } = lines.linePos(offset)
  return { file, line, column: col }
}

/** Our own messages for errors whose message by the parser quotes the text in its middle. */
const ownWords: Readonly<Record<string, string>> = {
  TAG_RESOLVE_FAILED:
    'a word that begins with ! is a YAML tag, and there is no such tag; put text that begins with ! in quotes',
  BAD_DQ_ESCAPE:
    'a backslash in double quotes begins an escape, and there is no such escape; write two backslashes, or use single quotes',
  // The parser's own words are those of the engine about its stack.
  RESOURCE_EXHAUSTION: 'it is nested too deeply to be read; write it with fewer levels',
}

const repeatedText =
  'this key is there twice in one object; take one of the two away, or put a line --- before the next object'

/** Only the parser's own words: what it quotes from the text may be a Secret's value. */
const withoutQuotation = ({ code, message }: YAMLError): string =>
  ownWords[code] ?? (/^[^:"]*/.exec(message)?.[0] ?? '').trim()

/** A document with nothing but comments, e.g. after a last line `---`. */
const isEmpty = ({ contents }: Document): boolean =>
  contents === null || (isScalar(contents) && contents.value === null)

/** What a document declares, one by one; nothing of a document that is not understood. */
function readDocument(source: Source): readonly Read[] {
  const { document, file } = source
  // Only the first error: later ones usually follow from it.
  const fault = document.errors[0] ?? document.warnings[0]
  const unread = (...problems: readonly LocatedProblem[]): Read => ({ objects: [], problems, unread: [file] })
  if (fault !== undefined) {
    const message = `this is not well-formed YAML: ${withoutQuotation(fault)}`
    return [unread({ ...positionOf(source, fault.pos[0]), message })]
  }
  if (document.directives?.yaml.explicit === true) {
    const message = 'kubectl does not read a document with a line %YAML before it; remove that line'
    return [unread({ ...positionOf(source, document.range?.[0] ?? 0), message })]
  }
  const repeated = repeatedKey(document)
  if (repeated !== undefined)
    return [unread({ ...positionOf(source, repeated.range?.[0] ?? 0), message: repeatedText })]
  if (isEmpty(document)) return []
  return readDeclared(document).flatMap(({ within, foreign, object, declared, faults }) => {
    if (foreign) return []
    const own = { ...source, within }
    const problems = faults.map(({ path, ...problem }) => ({
      ...positionIn(own, path),
      ...(object === undefined ? {} : { object }),
      ...problem,
    }))
    if (object === undefined || declared === undefined) return [unread(...problems)]
    return [{ objects: [{ ...declared, object, source: own }], problems, unread: [] }]
  })
}

/**
 * Joins several texts. An object that is declared twice is invalid, and reported as a problem where it stands the second time.
 */
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

/** An object that is declared twice becomes invalid: it is not known which of the two is meant, so neither takes effect. */
function ambiguous(first: LocatedObject, places: string): LocatedObject {
  if (first.declares !== 'resource') return first
  const { labels: _, ...rest } = first.resource
  const invalid: Invalid = { ...rest, problems: [`declared twice, at ${places}; take one of the two away`] }
  return { declares: 'invalid', invalid, object: first.object, source: first.source }
}
