/** The date and time of a header field (RFC 5322 section 3.3), in UTC; `at` is in milliseconds since the epoch. */
export function dateTime(at: number): string {
  const second = Math.floor(at / 1000)
  if (last.second !== second) last = { second, text: `${new Date(at).toUTCString().slice(0, -'GMT'.length)}+0000` }
  return last.text
}

/** The text of the last second, since hundreds of messages come in one. */
let last = { second: Number.NaN, text: '' }
