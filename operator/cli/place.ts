/** The place in the YAML that a finding or a rule speaks of. */
import type { Path } from '../../crds/field-path.ts'
import { type RuleId, rules } from '../../relay/mail/rule.ts'
import type { Name } from '../compile/snapshot.ts'
import type { Directory } from '../local/directory.ts'
import { locate, type Position } from '../local/objects.ts'

export const printPosition = ({ file, line, column }: Position): string => `${file}:${line}:${column}`

/** Where a field of an object stands, or its nearest ancestor; undefined where the directory has no such object. */
export function placeOf(directory: Directory, object: string, field = ''): Position | undefined {
  const found = directory.objects.find((o) => o.object === object)
  return found === undefined ? undefined : locate(found, stepsOf(field))
}

/** `spec.routes[0].match` as steps. */
const stepsOf = (field: string): Path =>
  (field.match(/[^.[\]]+/g) ?? []).map((step) => (/^[0-9]+$/.test(step) ? Number(step) : step))

export type RulePlace = { readonly object: string; readonly field: string; readonly position: Position | undefined }

/** The field that decides a rule, and where it is written; undefined for what no field decides. */
export function placeOfRule(
  directory: Directory,
  rule: RuleId,
  { policy, credential }: { readonly policy: Name; readonly credential: Name },
): RulePlace | undefined {
  const { of } = rules[rule]
  if (of === 'relay') return undefined
  const object = of === 'RelayPolicy' ? `RelayPolicy ${policy}` : `RelayCredential ${credential}`
  const field = `spec.${rule.replace(/^credential\./, '')}`
  return { object, field, position: placeOf(directory, object, field) }
}
