/**
 * For each pattern: what its strings are called in an error, and the checks that no pattern can express, e.g. that a CIDR is a
 * network.
 */
import { isIP } from 'node:net'
import { emailAddress, uri } from './client-certificate.ts'
import { durationMs } from './duration.ts'
import * as fields from './fields.ts'
import { quantityBytes } from './quantity.ts'

export type Form = {
  /** The name under which `fits` is registered with Ajv as a format. */
  readonly name: string
  /** Completes the sentence `"x" is not …`. */
  readonly says: string
  /** The check beyond the pattern; it may assume that the pattern matched. */
  readonly fits: (text: string) => boolean
}

const anything = (): boolean => true

const qualifiedName =
  "a name of letters, digits, '-', '_' and '.' inside, at most 63 characters, optionally after a lower-case domain and '/'"

const hasShortDomain = (text: string): boolean => text.lastIndexOf('/') <= 253

/**
 * A label has at most 63 octets (RFC 1035 section 2.3.4), and no hyphen at its ends (RFC 1123 section 2.1); a last label that
 * begins with a digit is taken for an IP address by some.
 */
const isDomain = (text: string): boolean => {
  const labels = text.split('.')
  return labels.every((l) => l.length <= 63 && /^[^-](.*[^-])?$/.test(l)) && /^[a-z]/.test(labels.at(-1) ?? '')
}

/**
 * An IPv6 address as RFC 5952 writes it, all in hexadecimal; anything else unchanged. `new URL` would throw for a zone
 * (`fe80::1%eth0`).
 */
const canonical = (address: string): string =>
  isIP(address) === 6 && !address.includes('%') ? new URL(`http://[${address}]`).hostname.slice(1, -1) : address

const withinIPv6 = /^::ffff:[0-9a-f]{1,4}:[0-9a-f]{1,4}$/

const isCidr = (text: string): boolean => {
  const [address = '', prefix] = text.split('/')
  const bits = { 0: -1, 4: 32, 6: 128 }[isIP(address)] ?? -1
  // In an IPv4-mapped network (::ffff:0:0/96) a prefix under 96 is a mistake: as a network of IPv4 it would be negative.
  return Number(prefix) <= bits && (Number(prefix) >= 96 || !withinIPv6.test(canonical(address)))
}

/** A local part has at most 64 octets (RFC 5321 section 4.5.3.1.1), and the rest has to be a domain. */
const isAddress = (text: string): boolean => {
  const at = text.lastIndexOf('@')
  return at <= 64 && isDomain(text.slice(at + 1))
}

/** A dot stands between two other characters (RFC 5321 section 4.1.2); in a prefix like `team.*` the star is the other one. */
const isLocalPart = (text: string): boolean => !/^\.|\.\.|\.$/.test(text)

/**
 * Addresses that no host may have: IPv4 written as IPv6 (RFC 4291 section 2.5.5), which would evade the rules for IPv4; a
 * cloud's metadata service (169.254.0.0/16) behind NAT64 (RFC 6052), and its own IPv6 addresses at AWS and Google Cloud.
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
    { name: 'report-uri', says: 'a mailto: address for reports, like mailto:dmarc@example.org', fits: anything },
  ],
  [
    fields.host.pattern,
    {
      name: 'host',
      says: 'a host name or an IP address in lower case; write IPv4 in its own form, not within IPv6',
      fits: isHost,
    },
  ],
  [
    fields.completeHost.pattern,
    {
      name: 'complete-host',
      says: 'a host name, which may end with a dot, or an IP address in lower case; write IPv4 in its own form, not within IPv6',
      fits: (text) => (text.endsWith('.') ? isDomain(text.slice(0, -1)) : isHost(text)),
    },
  ],
  [
    fields.address.pattern,
    {
      name: 'address',
      says: 'a mail address without quotes and patterns, like noreply@mail.example.org',
      fits: isAddress,
    },
  ],
  [
    emailAddress.pattern,
    {
      name: 'email-address',
      says: 'a mail address without quotes, apostrophes and patterns, like device-7@example.org',
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
    { name: 'local-part', says: "a local part, like noreply, optionally with a '*' at its end", fits: isLocalPart },
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

/**
 * RFC 3339. The day has to exist, and the hour ends at 23: `Date` alone would read 02-30 as a day in March, and 24:00 as the next
 * day.
 */
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
