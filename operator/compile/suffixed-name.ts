/** The name of an object that is named after another one, by a word at its end; a name has 253 characters, whoever gives it. Pure. */
import { createHash } from 'node:crypto'
import { objectName } from '../../crds/fields.ts'

const longest = objectName.maxLength
/** What is left of a longer one. */
const kept = 230

export function suffixedName(name: string, suffix: string): string {
  if (name.length + suffix.length <= longest) return `${name}${suffix}`
  // No label may begin with a dash.
  const begin = name.slice(0, kept).replace(/\.$/, '')
  return `${begin}-${createHash('sha256').update(name).digest('hex').slice(0, 12)}${suffix}`
}
