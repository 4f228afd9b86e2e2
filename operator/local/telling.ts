/** What local mode tells a person while it runs; the command line decides how it looks. */
import type { Condition } from '../compile/compiled.ts'
import type { Name, Ref } from '../compile/snapshot.ts'
import type { LocatedProblem } from './objects.ts'
import type { RelayLine } from './relay-line.ts'

export type Telling =
  /** The Ready condition of an object is not what it was. */
  | { readonly about: 'object'; readonly ref: Ref; readonly ready: Condition }
  | { readonly about: 'gone'; readonly ref: Ref }
  | { readonly about: 'relay'; readonly policy: Name; readonly line: RelayLine }
  | { readonly about: 'text'; readonly problem: LocatedProblem }

export type Tell = (telling: Telling) => void
