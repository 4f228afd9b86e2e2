/**
 * Questions to name servers and their answers. That a record does not exist (`absent`) is not the same as not knowing
 * (`unknown`).
 */

export type QuestionType = 'TXT' | 'CNAME' | 'A' | 'AAAA' | 'MX'

export type Question = {
  /** In lower case, without a dot at the end. */
  readonly name: string
  readonly type: QuestionType
}

export type Answer =
  | {
      readonly is: 'records'
      /** TXT: its strings joined, each octet one character. MX: the host name. A, AAAA: the address. CNAME: the target. */
      readonly records: readonly string[]
      /** How many seconds the answer may be cached. */
      readonly ttl: number
      /** Whether the server says that it has verified the signatures (DNSSEC, the AD bit). */
      readonly authenticated: boolean
    }
  /** NXDOMAIN, or no record of that type. */
  | { readonly is: 'absent' }
  /** SERVFAIL, REFUSED, no answer, or nonsense: it is not known whether there is a record. */
  | { readonly is: 'unknown'; readonly why: string }

/** Undefined where the question has not been asked yet. */
export type Lookup = (question: Question) => Answer | undefined

/** What one server sees. */
export type View = {
  /** For people: `resolver 192.0.2.53`, `name server ns1.example.net`. */
  readonly server: string
  /** Whether it is one of the zone's own name servers, whose answers go before those of resolvers. */
  readonly authoritative: boolean
  /** The zone that it serves; absent: it is taken as serving all that is asked. */
  readonly zone?: string
  readonly lookup: Lookup
}

export const questionKey = ({ type, name }: Question): string => `${type} ${name}`
