/** A date in a header (RFC 5322 section 3.3), in UTC. Pure. */
export const dateTime = (at: number): string => `${new Date(at).toUTCString().slice(0, -'GMT'.length)}+0000`
