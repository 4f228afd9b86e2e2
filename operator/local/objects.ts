/** Objects in YAML text: each knows its place, and every problem names the line that a person has to change. */
import type { Document, LineCounter } from 'yaml'
import type { Path } from '../../crds/validate.ts'
import type { Credential, Domain, Invalid, Keyed, Name, Policy } from '../compile/snapshot.ts'

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

/** What one document declares. A Secret's values stay here, with who reads the directory; compile sees the keys. */
export type Declared =
  | { readonly declares: 'resource'; readonly resource: Policy | Domain | Credential }
  | { readonly declares: 'invalid'; readonly invalid: Invalid }
  | { readonly declares: 'namespace'; readonly name: string; readonly labels: Readonly<Record<string, string>> }
  | {
      readonly declares: 'keyed'
      readonly kind: 'Secret' | 'ConfigMap'
      readonly name: Name
      readonly keyed: Keyed
      readonly values: ReadonlyMap<string, Uint8Array>
    }

/** `object` is `RelayPolicy mail/shared`, `Secret mail/ses` or `Namespace team-a`. */
export type LocatedObject = Declared & { readonly object: string; readonly source: Source }

export type Read = {
  readonly objects: readonly LocatedObject[]
  readonly problems: readonly LocatedProblem[]
  /** The file, where part of it could not be understood well enough to say which objects it declares. */
  readonly unread: readonly string[]
}

/** Every object of a text, and every problem; an object with a problem is there as `invalid`. */
export function readObjects(_text: string, _file: string): Read {
  throw new Error('not yet')
}

/** Several texts as one: an object declared twice is a problem at its second place, and invalid. */
export function joinReads(_reads: readonly Read[]): Read {
  throw new Error('not yet')
}

/** Where a field stands, or its nearest ancestor that is written down. */
export function locate(_object: LocatedObject, _path: Path): Position {
  throw new Error('not yet')
}
