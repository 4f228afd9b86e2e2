/** What records will take on the disk, reckoned before they are written. Pure. */
import type { Envelope, RecipientState } from '../mail/envelope.ts'

/** A removal, and its share of the records that open segments for removals. */
export const removalBytes = 94

const stateFrame = 103
const recipientFrame = 122
const acceptanceFrame = 500
/** Its name in the record; what is asked is US-ASCII. */
const wishesFrame = 10

/** A state record of these recipients. */
export const stateBytes = (recipients: readonly RecipientState[]): number =>
  recipients.reduce((sum, { forwardPath }) => sum + recipientFrame + octetsIn(forwardPath), stateFrame)

/** The record that makes a message ours, without its content. */
export function acceptanceBytes(envelope: Envelope): number {
  const { forwardPaths, redirectedFrom = [], reports, credential, reversePath, fromDomain, client } = envelope
  const { signingDomain = '', wishes } = envelope
  return (
    acceptanceFrame +
    octetsOf([credential, reversePath, fromDomain, signingDomain, client.helo, client.address]) +
    octetsOf(forwardPaths) +
    octetsOf(redirectedFrom) +
    octetsOf(reports?.forwardPaths ?? []) +
    (wishes === undefined ? 0 : wishesFrame + JSON.stringify(wishes).length)
  )
}

const octetsOf = (texts: readonly string[]): number => texts.reduce((sum, text) => sum + octetsIn(text) + 3, 0)

/** In JSON, without its quotes: a character beyond ASCII has several octets, and one that is escaped has more. */
const octetsIn = (text: string): number =>
  isPlain.test(text) ? text.length : Buffer.byteLength(JSON.stringify(text)) - 2
const isPlain = /^[ !#-[\]-~]*$/

const reserveShare = 0.05
const reserveMost = 32 * 1024 * 1024

/** Octets that mail leaves free on a volume of this size, for what cannot wait. */
export const reserveOf = (total: number): number => Math.min(reserveMost, Math.floor(total * reserveShare))

/** Files that only delivery may make: each start needs one, and before a segment can go, what is in it may need another. */
export const filesKeptOf = (total: number): number => Math.min(64, Math.ceil(total / 10))
