/**
 * A host's name without the dot at its end, which says to a resolver that it is complete (resolv.conf(5), `search`): it is none of a
 * certificate, of a handshake (RFC 6066 section 3) or of a report. Pure.
 */
export const plainHost = (host: string): string => (host.endsWith('.') ? host.slice(0, -1) : host)
