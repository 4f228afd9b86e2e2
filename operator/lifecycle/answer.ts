/** What name servers are asked, and what they answer: that something is not there is another thing than not knowing. */

export type QuestionType = 'TXT' | 'CNAME' | 'A' | 'AAAA' | 'MX'

export type Question = {
  /** In lower case, without its final dot. */
  readonly name: string
  readonly type: QuestionType
}

export type Answer =
  | {
      readonly is: 'records'
      /** TXT: its strings joined, one octet a character. MX: the exchanger. A, AAAA: the address. CNAME: the target. */
      readonly records: readonly string[]
      /** Seconds that it may be kept. */
      readonly ttl: number
      /** Whether the server says that it has verified the signatures (DNSSEC, the AD bit). */
      readonly authenticated: boolean
    }
  /** NXDOMAIN, or no record of that type. */
  | { readonly is: 'absent' }
  /** SERVFAIL, REFUSED, silence, or nonsense: nobody knows. */
  | { readonly is: 'unknown'; readonly why: string }

/** Undefined: it has not been asked yet. */
export type Lookup = (question: Question) => Answer | undefined

/** What one server sees. */
export type View = {
  /** For people: `resolver 192.0.2.53`, `name server ns1.example.net`. */
  readonly server: string
  /** One of the zone's own: its word goes before that of any resolver. */
  readonly authoritative: boolean
  /** What it is authoritative for; absent: for all that is asked. */
  readonly zone?: string
  readonly lookup: Lookup
}

export const questionKey = ({ type, name }: Question): string => `${type} ${name}`
