/** A date in a header (RFC 5322 section 3.3), in UTC. Pure. */
export function dateTime(at: number): string {
  const second = Math.floor(at / 1000)
  if (last.second !== second) last = { second, text: `${new Date(at).toUTCString().slice(0, -'GMT'.length)}+0000` }
  return last.text
}

/** Hundreds of messages have the same one. */
let last = { second: Number.NaN, text: '' }
