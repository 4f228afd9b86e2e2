/** Resource versions, compared as the API conventions allow since Kubernetes 1.35: as whole numbers of any length. */

const isNumber = (version: string): boolean => /^[1-9][0-9]*$/.test(version)

/** Whether `a` is older than `b`; a version that is no number is never older. */
export function isOlder(a: string, b: string): boolean {
  if (!isNumber(a) || !isNumber(b)) return false
  return a.length === b.length ? a < b : a.length < b.length
}
