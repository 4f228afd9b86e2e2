/** Who has connected: its address, and a name for the session that log lines share. */
import { randomInt } from 'node:crypto'
import type { Socket } from 'node:net'

/** A listener for both families shows IPv4 clients inside IPv6 (RFC 4291 section 2.5.5.2). */
export const clientAddress = ({ remoteAddress = '' }: Pick<Socket, 'remoteAddress'>): string =>
  remoteAddress.toLowerCase().replace(/^::ffff:(?=[\d.]+$)/, '')

/** 80 bits: no two sessions of a fleet share one. Of small numbers Node fetches many at a time, and writes them quickly. */
export const sessionId = (): string => twentyBits() + twentyBits() + twentyBits() + twentyBits()

const twentyBits = (): string =>
  randomInt(2 ** 20)
    .toString(32)
    .padStart(4, '0')
