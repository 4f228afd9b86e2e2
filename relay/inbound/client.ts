/** Who has connected: its address, and a name for the session that log lines share. */
import { randomBytes } from 'node:crypto'
import type { Socket } from 'node:net'

/** A listener for both families shows IPv4 clients inside IPv6 (RFC 4291 section 2.5.5.2). */
export const clientAddress = ({ remoteAddress = '' }: Pick<Socket, 'remoteAddress'>): string =>
  remoteAddress.toLowerCase().replace(/^::ffff:(?=[\d.]+$)/, '')

/** 80 bits: no two sessions of a fleet share one. */
export const sessionId = (): string =>
  BigInt(`0x${randomBytes(10).toString('hex')}`)
    .toString(32)
    .padStart(16, '0')
