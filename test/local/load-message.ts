/** A message of a given size, with an id and a digest by which its arrival can be recognised. */
import { createHash } from 'node:crypto'
import type { Submission } from './smtp-session.ts'

export type LoadMessage = Submission & {
  readonly id: string
  /** SHA-256 of everything from X-Load-Id on, as receiver.py computes it. */
  readonly digest: string
}

const mark = 'X-Load-Id: '

/** The id and the digest of a message that arrived; undefined if it is not one of these. */
export function marksIn(content: string): Pick<LoadMessage, 'id' | 'digest'> | undefined {
  const at = content.indexOf(mark)
  if (at === -1) return undefined
  const id = content.slice(at + mark.length, content.indexOf('\r\n', at))
  return { id, digest: createHash('sha256').update(content.slice(at), 'latin1').digest('hex') }
}

const line = `${'The quick brown fox jumps over the lazy dog. '.repeat(2).slice(0, 76)}\r\n`

type LoadEnvelope = { readonly id: string; readonly reversePath: string; readonly forwardPaths: readonly string[] }

export function loadMessage({ id, reversePath, forwardPaths }: LoadEnvelope, bytes: number): LoadMessage {
  const before = [
    `Date: Mon, 05 Jan 2026 10:00:00 +0000`,
    `From: Load <${reversePath}>`,
    `To: ${forwardPaths.map((path) => `<${path}>`).join(', ')}`,
    `Message-ID: <${id}@load.test>`,
    'Subject: load',
    '',
  ].join('\r\n')
  const start = `${mark}${id}\r\n\r\n${id}\r\n`
  const room = Math.max(0, bytes - before.length - start.length)
  // If the cut falls between CR and LF, the CR would be a bare one.
  const text = line
    .repeat(Math.ceil(room / line.length))
    .slice(0, Math.max(0, room - 2))
    .replace(/\r$/, '.')
  const marked = start + text + (room > 2 ? '\r\n' : '')
  const digest = createHash('sha256').update(marked).digest('hex')
  return { id, reversePath, forwardPaths, content: Buffer.from(before + marked), digest }
}
