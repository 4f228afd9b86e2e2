/**
 * Sorts out names in spec.secretTemplate that Kubernetes does not allow for labels or annotations; a CRD schema can not check the
 * keys of a map.
 */
import { annotationName, labelName } from '../../crds/fields.ts'
import { forms } from '../../crds/forms.ts'
import type { Credential } from './snapshot.ts'

const fitsOf = ({ pattern, maxLength }: typeof labelName | typeof annotationName) => {
  const [form, whole] = [forms.get(pattern), new RegExp(pattern)]
  return (name: string): boolean => name.length <= maxLength && whole.test(name) && form?.fits(name) !== false
}
const kinds = { labels: fitsOf(labelName), annotations: fitsOf(annotationName) } as const

type Kind = keyof typeof kinds

/** The labels or annotations that the Secret gets. */
export const fitting = ({ spec }: Credential, kind: Kind): Readonly<Record<string, string>> =>
  Object.fromEntries(Object.entries(spec.secretTemplate[kind] ?? {}).filter(([name]) => kinds[kind](name)))

/** The names that it does not get. */
export const unfit = ({ spec }: Credential, kind: Kind): readonly string[] =>
  Object.keys(spec.secretTemplate[kind] ?? {}).filter((name) => !kinds[kind](name))
