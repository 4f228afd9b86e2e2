/**
 * Names an object after another one with a suffix, and shortens the name with a hash where it would exceed Kubernetes' 253
 * characters. Pure.
 */
import { createHash } from 'node:crypto'
import { objectName } from '../../crds/fields.ts'

const longest = objectName.maxLength
/** How many characters of a name that is too long are kept before the hash. */
const kept = 230

export function suffixedName(name: string, suffix: string): string {
  if (name.length + suffix.length <= longest) return `${name}${suffix}`
  // Without a dot at the end, since the dash that follows may not begin a label of a DNS name.
  const begin = name.slice(0, kept).replace(/\.$/, '')
  return `${begin}-${createHash('sha256').update(name).digest('hex').slice(0, 12)}${suffix}`
}
