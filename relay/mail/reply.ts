/** A reply: code, enhanced status (RFC 3463) and text; the class of the status is derived, so it cannot contradict. */

export type Reply = {
  readonly code: number
  readonly status: string
  readonly text: string
  /** The refusal of a next hop, for now or for good, as it said it; absent: these are our own words. */
  readonly said?: string
}

/** `reply(550, '7.1', 'sender not allowed')` is `550 5.7.1 sender not allowed`. */
export const reply = (code: number, subject: string, text: string): Reply => ({
  code,
  status: `${Math.trunc(code / 100)}.${subject}`,
  text,
})

/** One line as it stands in logs and transcripts. */
export const replyLine = (r: Reply): string => `${r.code} ${r.status} ${r.text}`

/** Quoted where somebody else said it, else our line. */
export const asSaid = (r: Reply): string => r.said ?? replyLine(r)
