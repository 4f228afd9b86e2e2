/** What records will take on the disk, reckoned before they are written. Pure. */
import type { Envelope, RecipientState } from '../mail/envelope.ts'

/** A removal, and its share of the records that open segments for removals. */
export const removalBytes = 94

const stateFrame = 103
const recipientFrame = 122
const acceptanceFrame = 500

/** A state record of these recipients. */
export const stateBytes = (recipients: readonly RecipientState[]): number =>
  recipients.reduce((sum, { forwardPath }) => sum + recipientFrame + forwardPath.length, stateFrame)

/** The record that makes a message ours, without its content. */
export const acceptanceBytes = ({ forwardPaths, redirectedFrom = [] }: Envelope): number =>
  acceptanceFrame + octetsOf(forwardPaths) + octetsOf(redirectedFrom)

const octetsOf = (paths: readonly string[]): number => paths.reduce((sum, path) => sum + path.length + 3, 0)

const reserveShare = 0.05
const reserveMost = 32 * 1024 * 1024

/** Octets that mail leaves free on a volume of this size, for what cannot wait. */
export const reserveOf = (total: number): number => Math.min(reserveMost, Math.floor(total * reserveShare))

/** Files that only delivery may make: each start needs one, and before a segment can go, what is in it may need another. */
export const filesKeptOf = (total: number): number => Math.min(64, Math.ceil(total / 10))
