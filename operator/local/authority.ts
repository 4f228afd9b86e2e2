/** The certificate authority of a state folder: made once, and kept over restarts until it expires. */
import { X509Certificate } from 'node:crypto'
import { createAuthority, type Issued, issue } from '../ca.ts'
import { keptText, replaceFile } from './files.ts'
import type { State } from './state.ts'

/** @throws Error naming the files, when they are there and can not be used. */
export async function loadAuthority(state: State, now: number): Promise<Issued> {
  const certificate = keptText(state.caCertificate)
  const key = keptText(state.caKey)
  if (certificate === undefined && key === undefined) return makeAuthority(state, now)
  try {
    const authority = { certificate: certificate ?? '', key: key ?? '' }
    await issue(authority, ['localhost'], now)
    // Clients that trust an expired authority can verify nothing by it, so replacing it takes nothing from them.
    if (hasEnded(authority, now)) return makeAuthority(state, now)
    return authority
  } catch (error) {
    // Silently making a new authority would make every client distrust every listener.
    throw new Error(
      `${state.caCertificate} and ${state.caKey} can not be used as the authority (${(error as Error).message}); ` +
        'restore them, or delete both to get a new one, which clients then have to trust',
    )
  }
}

const hasEnded = ({ certificate }: Issued, now: number): boolean =>
  new X509Certificate(certificate).validToDate.getTime() <= now

async function makeAuthority(state: State, now: number): Promise<Issued> {
  const authority = await createAuthority(now)
  replaceFile(state.caKey, authority.key)
  replaceFile(state.caCertificate, authority.certificate)
  return authority
}
