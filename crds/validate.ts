/** Is an object what its kind says? With defaults filled in, or every problem with its field and the way to mend it. */
import type { Kind } from './schema.ts'

/** `['spec', 'listeners', 0, 'port']` */
export type Path = readonly (string | number)[]

export type Problem = {
  readonly path: Path
  /** `spec.listeners[0].port` */
  readonly field: string
  /** What is wrong and how to mend it. */
  readonly message: string
}

export type Validated<Spec> =
  | { readonly ok: true; readonly spec: Spec }
  | { readonly ok: false; readonly problems: readonly Problem[] }

export function validate<Spec>(_kind: Kind<Spec>, _object: unknown): Validated<Spec> {
  throw new Error('not yet')
}
