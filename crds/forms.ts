/** What the strings of a pattern are called, and what no pattern can say of them: is this CIDR a network at all? */
import { isIP } from 'node:net'
import { emailAddress, uri } from './client-certificate.ts'
import { durationMs } from './duration.ts'
import * as fields from './fields.ts'
import { quantityBytes } from './quantity.ts'

export type Form = {
  /** Also the name of the format that is checked. */
  readonly name: string
  /** Ends the sentence `"x" is not …`. */
  readonly says: string
  /** Asked only where the pattern fits. */
  readonly fits: (text: string) => boolean
}

const anything = (): boolean => true

const qualifiedName =
  "a name of letters, digits, '-', '_' and '.' inside, 63 characters at most, maybe behind a lower-case domain and '/'"

const hasShortDomain = (text: string): boolean => text.lastIndexOf('/') <= 253

/** Labels have at most 63 octets (RFC 1035 section 2.3.4); a last one with a digit first is read as an address by some. */
const isDomain = (text: string): boolean => {
  const labels = text.split('.')
  return labels.every((l) => l.length > 0 && l.length <= 63) && /^[a-z]/.test(labels.at(-1) ?? '')
}

/** Of IPv6 the one form of RFC 5952, in hexadecimal. A zone (`fe80::1%eth0`), which no pattern lets pass, is in no URL. */
const canonical = (address: string): string =>
  isIP(address) === 6 && !address.includes('%') ? new URL(`http://[${address}]`).hostname.slice(1, -1) : address

const withinIPv6 = /^::ffff:[0-9a-f]{1,4}:[0-9a-f]{1,4}$/

const isCidr = (text: string): boolean => {
  const [address = '', prefix] = text.split('/')
  const bits = { 0: -1, 4: 32, 6: 128 }[isIP(address)] ?? -1
  // Of IPv4 within IPv6 the first 96 bits are no part of the network, and nobody is in one that has fewer.
  return Number(prefix) <= bits && (Number(prefix) >= 96 || !withinIPv6.test(canonical(address)))
}

/** A local part has at most 64 octets (RFC 5321 section 4.5.3.1.1). */
const isAddress = (text: string): boolean => {
  const at = text.lastIndexOf('@')
  return at <= 64 && isDomain(text.slice(at + 1))
}

/** Dots stand between others (RFC 5321 section 4.1.2); before the star of a prefix one may be the last. */
const isLocalPart = (text: string): boolean => !/^\.|\.\.|\.$/.test(text)

/**
 * IPv4 within IPv6 (RFC 4291 section 2.5.5), whose rules it would get round; the metadata service of a cloud behind a
 * translator (RFC 6052), and where it has an address of its own.
 */
const nobodysHost = /^(::(ffff:)?[0-9a-f]{1,4}:[0-9a-f]{1,4}|64:ff9b::a9fe:[0-9a-f]{1,4}|fd00:ec2::254|fd20:ce::254)$/

const isHost = (text: string): boolean => (isIP(text) === 0 ? isDomain(text) : !nobodysHost.test(canonical(text)))

const tenYearsMs = 10 * 366 * 24 * 3_600_000

const named: readonly (readonly [pattern: string, form: Form])[] = [
  [
    fields.entryName.pattern,
    { name: 'label', says: "a name of lower-case letters, digits and '-' inside", fits: anything },
  ],
  [
    fields.objectName.pattern,
    { name: 'object-name', says: "a name of lower-case letters, digits, '-' and '.' inside", fits: anything },
  ],
  [
    fields.labelValue.pattern,
    { name: 'label-value', says: "nothing, or letters, digits, '-', '_' and '.' inside", fits: anything },
  ],
  [fields.labelName.pattern, { name: 'label-name', says: qualifiedName, fits: hasShortDomain }],
  [
    fields.annotationName.pattern,
    { name: 'annotation-name', says: qualifiedName.replace(' lower-case', ''), fits: hasShortDomain },
  ],
  [
    fields.domainName.pattern,
    { name: 'domain', says: 'a lower-case domain of two labels or more, like mail.example.org', fits: isDomain },
  ],
  [
    fields.recordName.pattern,
    { name: 'record-name', says: 'a lower-case name of two labels or more, like _spf.example.net', fits: isDomain },
  ],
  [
    fields.ipAddress.pattern,
    { name: 'ip-address', says: 'an IP address, like 192.0.2.53 or 2001:db8::53', fits: (text) => isIP(text) !== 0 },
  ],
  [
    fields.reportUri.pattern,
    { name: 'report-uri', says: 'where reports go, like mailto:dmarc@example.org', fits: anything },
  ],
  [
    fields.host.pattern,
    { name: 'host', says: 'a lower-case host name or an address, IPv4 as such and not within IPv6', fits: isHost },
  ],
  [
    fields.address.pattern,
    {
      name: 'address',
      says: 'an address in its plain form, without patterns, like noreply@mail.example.org',
      fits: isAddress,
    },
  ],
  [
    emailAddress.pattern,
    {
      name: 'email-address',
      says: 'an address in its plain form, without apostrophes and patterns, like device-7@example.org',
      fits: isAddress,
    },
  ],
  [
    uri.pattern,
    {
      name: 'uri-name',
      says: 'a URI with a lower-case scheme, like spiffe://corp.example/web, in ASCII, without quotes, commas, backslashes and spaces',
      fits: anything,
    },
  ],
  [
    fields.localPart.pattern,
    { name: 'local-part', says: "a local part, like noreply, maybe with a final '*'", fits: isLocalPart },
  ],
  [
    fields.duration.pattern,
    {
      name: 'duration',
      says: 'a duration between 1ms and ten years, like 30s, 5m or 1h30m',
      fits: (text) => durationMs(text) > 0 && durationMs(text) <= tenYearsMs,
    },
  ],
  [
    fields.durationOrNone.pattern,
    {
      name: 'duration-or-none',
      says: 'a duration up to ten years, like 48h, or 0s',
      fits: (text) => durationMs(text) <= tenYearsMs,
    },
  ],
  [
    fields.quantity.pattern,
    {
      name: 'quantity',
      says: 'a size in bytes, like 25Mi or 10Gi',
      fits: (text) => Number.isSafeInteger(quantityBytes(text)),
    },
  ],
  [fields.cidr.pattern, { name: 'cidr', says: 'a network, like 198.51.100.0/24 or 2001:db8::/64', fits: isCidr }],
]

export const forms: ReadonlyMap<string, Form> = new Map(named)

/** RFC 3339; the day has to exist, and has 24 hours: `Date` takes 24:00 for the next one. */
const isDateTime = (text: string): boolean => {
  const day = /^(\d{4}-\d{2}-\d{2})T(?:[01]\d|2[0-3]):\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})$/.exec(text)?.[1]
  if (day === undefined || Number.isNaN(Date.parse(text))) return false
  return new Date(`${day}T00:00:00Z`).toISOString().startsWith(day)
}

export const dateTime: Form = {
  name: 'date-time',
  says: 'a time like 2027-01-31T00:00:00Z',
  fits: isDateTime,
}
