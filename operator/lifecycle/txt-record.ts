/** Prints records for people to copy: as a line of a zone file, or as the fields of a DNS provider's form. */

/** RFC 1035 section 3.3.14: a TXT record is one or more strings, each of at most 255 octets. */
const longest = 255

/** Splits a value, in which each character is an octet, into strings of at most 255. */
export const txtStrings = (value: string): readonly string[] =>
  value.match(new RegExp(`[^]{1,${longest}}`, 'g')) ?? ['']

// RFC 1035 section 5.1: \DDD is an octet by its decimal number.
const escaped = (text: string): string =>
  text
    .replaceAll(/["\\]/g, '\\$&')
    .replaceAll(/[^ -~]/g, (c) => `\\${(c.charCodeAt(0) % 256).toString().padStart(3, '0')}`)

export type PublishedRecord = { readonly name: string; readonly type: 'TXT' | 'CNAME'; readonly value: string }

const seconds = 3600

/** A line for a zone file. The name is absolute, so the line is right under any $ORIGIN. */
export function zoneFileLine({ name, type, value }: PublishedRecord): string {
  return `${name}. ${seconds} IN ${type} ${type === 'CNAME' ? `${value}.` : quotedStrings(value)}`
}

/** The value as in a zone file: every string in quotes. */
export const quotedStrings = (value: string): string =>
  txtStrings(value)
    .map((s) => `"${escaped(s)}"`)
    .join(' ')

/** What the forms of DNS providers ask for: the host without the zone (`@` for the zone itself), and the value without quotes. */
export type FormFields = { readonly host: string; readonly type: 'TXT' | 'CNAME'; readonly value: string }

export function formFields({ name, type, value }: PublishedRecord, zone: string): FormFields {
  const host = name === zone ? '@' : name.endsWith(`.${zone}`) ? name.slice(0, -zone.length - 1) : name
  return { host, type, value }
}
