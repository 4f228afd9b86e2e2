/** Limits of a session that no field of a policy changes. */
import type { Pace } from './pace.ts'

/** A session ends when nothing at all came from the client for this long: at least five minutes (RFC 5321 section 4.5.3.2.7). */
export const idleMs = 5 * 60_000

/** The longest time from the first octet of a command line to its CR LF. */
export const commandMs = 60_000

/** The longest time from STARTTLS, or from the connection to an Implicit listener, to the end of the handshake. */
export const handshakeMs = 30_000

/** About what the processor needs for a handshake that is not carried out in turns, after the call that begins it has returned. */
export const handshakeCostMs = 1

/** About what it needs for an accepted message after its turn has come: the reply, the log line, the metrics. */
export const acceptanceCostMs = 0.06

/** The most octets of a command line without its CR LF; lines of a login carry tokens and may be longer (RFC 4954 section 4). */
export const lineBytes = 2_048
export const loginLineBytes = 12_288

/** So many commands that break the protocol, since the last accepted message, end the session. */
export const errorsPerSession = 10

/** More commands than this that do nothing (NOOP, RSET, VRFY, …), since the last accepted message, end the session. */
export const idleCommandsPerSession = 100

/** After so many refusals of mail and repeated recipients, since the last accepted message, the next command ends the session. */
export const refusalsPerSession = 1_000

/** So many messages that we could not take for a fault of ours, since the last accepted one, end the session. */
export const ownFaultsPerSession = 100

export const failedLoginsPerSession = 3

/** So many commands or pieces of content of one client are dealt with before others have their turn. */
export const piecesAtOnce = 20

/** With so many octets of replies that a client has not read, nothing more is read from it before it has. */
export const unreadBytes = 16 * 1_024

/** More octets than this of a TLS session that wait for its client to read them are no replies of ours, but answers of TLS to it. */
export const mostTlsUnread = 64 * 1_024

/** Where more octets of TLS than this come in a second, some have to be data: they hold 2,400 changes of keys, and hold everybody up. */
export const quietOctets = 64 * 1_024

/** So long after our last reply a connection is closed that the client does not close. */
export const lingerMs = 5_000

/**
 * So much is read after our last reply. A stranger whose session has ended could send all that its line carries in those seconds, and
 * TLS needs 5 ms for a mebibyte of it.
 */
export const lingerBytes = 256 * 1_024

/** From so many octets on a content (behind its header) is written to the spool, and a socket whose octets wait for us is paused. */
export const heldBytes = 64 * 1_024

/**
 * While all sessions together hold more than `heldByAll`, those of a credential with more than its share hold only `heldAmongMany`
 * each, headers included: a thousand sessions would fill the memory.
 */
export const heldByAll = 8 * 1_024 * 1_024
export const heldAmongMany = 16 * 1_024

/** What a recipient takes beside the octets of its path. */
export const recipientBytes = 64

/** … and what is asked of the reports on one, beside the text of ORCPT. */
export const wishBytes = 160

/** More pieces than this are joined to one, or not read yet: a piece of one octet takes as much memory as 450 octets. */
export const heldPieces = 128

/** So far Node reads ahead in a TLS session that we do not read from; these octets, too, may come as pieces of one octet each. */
export const readAheadBytes = 1_024

/** A content that comes more slowly than this is given up when its client has been waited for `patienceMs` in all (pace.ts). */
export const contentPace: Pace = { bytesPerSecond: 500, patienceMs: 60_000 }
