/** Limits of a session that no field of a policy changes. */
import type { Pace } from './pace.ts'

/** Nothing at all came from the client for this long (RFC 5321 section 4.5.3.2.7 wants five minutes at least). */
export const idleMs = 5 * 60_000

/** From the first octet of a command to its CR LF. */
export const commandMs = 60_000

/** From STARTTLS, or from the connection to an Implicit listener, to the end of the handshake. */
export const handshakeMs = 30_000

/** About what the processor needs for one. */
export const handshakeCostMs = 1

/** About what it needs to tell everybody concerned that a message is ours. */
export const acceptanceCostMs = 0.06

/** Octets of a command line; a login's lines carry tokens and may be longer (RFC 4954 section 4). */
export const lineBytes = 2_048
export const loginLineBytes = 12_288

/** Commands that broke the protocol since the last accepted message; the last one ends the session. */
export const errorsPerSession = 10

/** Commands that do nothing (NOOP, RSET, VRFY, …) since the last accepted message. */
export const idleCommandsPerSession = 100

/** Mail that a rule refused, and recipients that were named again, since the last accepted message. */
export const refusalsPerSession = 1_000

/** Mail that we could not take since the last accepted message. */
export const ownFaultsPerSession = 100

export const failedLoginsPerSession = 3

/** Commands of one client that are carried out before others have their turn. */
export const piecesAtOnce = 20

/** Octets of replies that wait for a client to read them; then it is not heard before it has. */
export const unreadBytes = 16 * 1_024

/** From our last word to the end of a connection that the client does not close. */
export const lingerMs = 5_000

export const headerBytes = 100 * 1_024

/** Content that is held before it goes to the spool, beside a header that is not complete yet. */
export const heldBytes = 64 * 1_024

/** While all sessions together hold more than this, those of a credential with more than its share hold less, headers too: a thousand of them would fill the memory. */
export const heldByAll = 8 * 1_024 * 1_024
export const heldAmongMany = 16 * 1_024

/** Of a recipient, beside its path: its places in a list. */
export const recipientBytes = 64

/** Pieces that are kept apart: one of a single octet takes as much memory as 450 octets. */
export const heldPieces = 128

/** What Node reads of a session in TLS that we do not read from: its pieces may be of one octet each, too. */
export const readAheadBytes = 1_024

/** Below this rate a content is given up when its sender has been waited for this long. */
export const contentPace: Pace = { bytesPerSecond: 500, patienceMs: 60_000 }
