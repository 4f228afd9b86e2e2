/** Finds the place in YAML files that a finding or a rule refers to. */
import type { Path } from '../../crds/field-path.ts'
import { type RuleId, rules } from '../../relay/mail/rule.ts'
import type { Name } from '../compile/snapshot.ts'
import type { Directory } from '../local/directory.ts'
import { isWritten, locate, type Position } from '../local/objects.ts'

export const printPosition = ({ file, line, column }: Position): string => `${file}:${line}:${column}`

/** The position of an object's field, or of its nearest ancestor; undefined where the directory does not have the object. */
export function placeOf(directory: Directory | undefined, object: string, field = ''): Position | undefined {
  const found = directory?.objects.find((o) => o.object === object)
  return found === undefined ? undefined : locate(found, stepsOf(field))
}

/** `spec.routes[0].match` as steps. */
const stepsOf = (field: string): Path =>
  (field.match(/[^.[\]]+/g) ?? []).map((step) => (/^[0-9]+$/.test(step) ? Number(step) : step))

type Names = {
  readonly policy: Name
  readonly credential: Name
  /** The SenderDomain that the visible From belongs to; absent where that is not known. */
  readonly senderDomain?: Name | undefined
}

/** Lines about the rule behind a refusal: its id, its place, and what to do. */
export function* ruleLines(rule: RuleId, names: Names, directory: Directory | undefined): Generator<string> {
  const place = placeOfRule(rule, names, directory)
  yield `  rule   ${rule}${place === undefined ? ', which no field switches off' : ` (${place.field} of ${place.object})`}`
  if (place?.position !== undefined) {
    const written = place.written ? '' : ' (not written there: its default is in force)'
    yield `  place  ${printPosition(place.position)}${written}`
  }
  yield `  mend   ${rules[rule].mend}`
}

/** The object with the field that decides a rule; undefined for rules that no field can change. */
function objectOf(rule: RuleId, names: Names): string | undefined {
  switch (rule.split('.', 1)[0]) {
    case 'always':
      return undefined
    case 'credential':
      return `RelayCredential ${names.credential}`
    case 'senderDomain':
      return `SenderDomain ${names.senderDomain ?? 'of the From'}`
    default:
      return `RelayPolicy ${names.policy}`
  }
}

export type RulePlace = {
  readonly object: string
  readonly field: string
  /** Absent where the directory does not have the object. */
  readonly position?: Position
  readonly written: boolean
}

/** The field that decides a rule, and where it is written; undefined for rules that no field can change. */
export function placeOfRule(rule: RuleId, names: Names, directory: Directory | undefined): RulePlace | undefined {
  const object = objectOf(rule, names)
  if (object === undefined) return undefined
  const field = `spec.${rule.replace(/^(credential|senderDomain)\./, '')}`
  const found = directory?.objects.find((o) => o.object === object)
  if (found === undefined) return { object, field, written: false }
  const written = isWritten(found, stepsOf(field))
  return { object, field, written, position: locate(found, stepsOf(field)) }
}
