/** A client that has connected: its address, and an id for the session that all log lines about it share. */
import { randomInt } from 'node:crypto'
import type { Socket } from 'node:net'

/** The client's IP address; on a listener for both families an IPv4 client comes as `::ffff:192.0.2.1` (RFC 4291 section 2.5.5.2). */
export const clientAddress = ({ remoteAddress = '' }: Pick<Socket, 'remoteAddress'>): string =>
  remoteAddress.toLowerCase().replace(/^::ffff:(?=[\d.]+$)/, '')

/** 80 random bits, so that no two sessions of a fleet share one. In four parts, since Node makes small random numbers in bulk. */
export const sessionId = (): string => twentyBits() + twentyBits() + twentyBits() + twentyBits()

const twentyBits = (): string =>
  randomInt(2 ** 20)
    .toString(32)
    .padStart(4, '0')
