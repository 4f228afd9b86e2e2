/** The content of a message, ready to be sent: small ones as one buffer with their final dot, large ones as a stream. */
import { isAscii } from 'node:buffer'
import type { Readable } from 'node:stream'
import type { Envelope } from '../mail/envelope.ts'
import { headerEnd } from '../mail/header.ts'
import { joined } from '../mail/joined.ts'
import type { Spool } from '../spool/spool.ts'
import { ContentError, DataEncoder, wrongLength } from './data-encoder.ts'
import type { Seal } from './seal.ts'

type Traits = {
  /** Of the message as it is sent, without stuffed dots and the final dot. */
  readonly octets: number
  readonly eightBit: boolean
  /** The header block itself holds UTF-8 (RFC 6532). */
  readonly utf8Header: boolean
}
export type Content = Traits &
  (
    | { readonly kind: 'whole'; readonly encoded: Buffer }
    /** Encoded chunks without the end, which the encoder has once all were taken. @throws ContentError, SpoolError */
    | { readonly kind: 'stream'; readonly chunks: (encoder: DataEncoder) => AsyncIterable<Buffer> }
  )

export type ContentSource = Pick<Spool, 'content' | 'contentInMemory'>

/** Up to this size content is read and sent in one piece; it bounds what the attempts in flight hold in memory. */
const wholeUpTo = 128 * 1024

/** Reads the content, or looks through a large one, and has the seal sign it. @throws ContentError where it is damaged; SpoolError */
export function loadContent(source: ContentSource, envelope: Envelope, seal?: Seal): Promise<Content> {
  return envelope.bytes <= wholeUpTo ? loadWhole(source, envelope, seal) : inspect(source, envelope, seal)
}

async function loadWhole(source: ContentSource, { queueId, bytes }: Envelope, seal?: Seal): Promise<Content> {
  const content = source.contentInMemory(queueId) ?? (await readWhole(source.content(queueId), bytes))
  expectOctets(content.length, bytes)
  seal?.take(content)
  const signatures = seal === undefined ? none : await seal.fields()
  const encoder = new DataEncoder()
  const encoded = Buffer.concat([signatures, encoder.encode(content), encoder.end()])
  const eightBit = !isAscii(content)
  const octets = signatures.length + bytes
  return { kind: 'whole', encoded, octets, eightBit, utf8Header: eightBit && !isAscii(headerOf(content)) }
}

const none = Buffer.alloc(0)

/** One pass before the pass that sends, so that a damaged or unsuitable message spoils no connection. */
async function inspect(source: ContentSource, { queueId, bytes }: Envelope, seal?: Seal): Promise<Content> {
  const encoder = new DataEncoder()
  const header: Buffer[] = []
  let eightBit = false
  let wrong: unknown
  for await (const chunk of source.content(queueId) as AsyncIterable<Buffer>) {
    // It is read to its end: there the spool says whether it is damaged, as by zeros for a block, and sets it aside.
    wrong ??= faultIn(encoder, chunk)
    seal?.take(chunk)
    eightBit ||= !isAscii(chunk)
    if (header.length < headerChunks) header.push(chunk)
  }
  if (wrong !== undefined) throw wrong
  expectEnd(encoder, bytes)
  const signatures = (await seal?.fields()) ?? none
  const chunks = (sending: DataEncoder) => encodedChunks(signatures, source.content(queueId), sending, bytes)
  const octets = signatures.length + bytes
  return { kind: 'stream', chunks, octets, eightBit, utf8Header: eightBit && !isAscii(headerOf(Buffer.concat(header))) }
}

function faultIn(encoder: DataEncoder, chunk: Buffer): unknown {
  try {
    encoder.encode(chunk)
    return undefined
  } catch (error) {
    return error
  }
}

/** Chunks of a file stream are of 64 KiB; a header block is never longer than 100 KiB. */
const headerChunks = 2

async function* encodedChunks(
  signatures: Buffer,
  content: Readable,
  encoder: DataEncoder,
  bytes: number,
): AsyncIterable<Buffer> {
  // Sent as they are: whole lines, none of which begins with a dot.
  yield signatures
  for await (const chunk of content as AsyncIterable<Buffer>) yield encoder.encode(chunk)
  expectEnd(encoder, bytes)
}

/** Throws unless all is there, and can be ended. Found out only when the rest has been sent, that would spoil the connection. */
function expectEnd(encoder: DataEncoder, bytes: number): void {
  expectOctets(encoder.octets, bytes)
  encoder.end()
}

function expectOctets(found: number, bytes: number): void {
  if (found !== bytes) throw wrongLength(found, bytes)
}

function headerOf(content: Buffer): Buffer {
  const end = headerEnd(content)
  return end === -1 ? content : content.subarray(0, end)
}

/** By listeners and not `for await`, which takes more turns of the event loop for the one chunk of a small content. */
function readWhole(content: Readable, bytes: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let octets = 0
    let ended = false
    content.on('data', (chunk: Buffer) => {
      octets += chunk.length
      if (octets <= bytes) chunks.push(chunk)
    })
    content.on('error', reject)
    content.on('end', () => {
      ended = true
      if (octets === bytes) resolve(joined(chunks))
      else reject(wrongLength(octets, bytes))
    })
    content.on('close', () => {
      if (!ended) reject(new ContentError('the content was closed before its end'))
    })
  })
}
