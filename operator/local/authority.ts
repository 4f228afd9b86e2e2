/** The certificate authority of a state folder: made once, and kept over restarts until it expires. */
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { createAuthority, type Issued } from '../ca.ts'
import { keptText, mayBeThere, replaceFile } from './files.ts'
import type { State } from './state.ts'

/** @throws Error naming the files, when they are there and can not be used. */
export async function loadAuthority(state: State, now: number): Promise<Issued> {
  const certificate = keptText(state.caCertificate)
  const key = keptText(state.caKey)
  if (certificate === undefined && (key === undefined || isUnused(state))) return makeAuthority(state, now)
  try {
    const authority = { certificate: certificate ?? '', key: key ?? '' }
    // Clients that trust an expired authority can verify nothing by it, so replacing it takes nothing from them.
    if (hasEnded(authority, now)) return makeAuthority(state, now)
    if (!belongTogether(authority)) throw new Error('the key is of another authority')
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

const belongTogether = ({ certificate, key }: Issued): boolean =>
  new X509Certificate(certificate).checkPrivateKey(createPrivateKey(key))

/** Whether nobody can trust it yet: whoever was killed at the very first start had perhaps written the key alone. */
const isUnused = (state: State): boolean =>
  state.fleets().length === 0 && state.namespaces().every((namespace) => !mayBeThere(state.secrets(namespace)))

async function makeAuthority(state: State, now: number): Promise<Issued> {
  const authority = await createAuthority(now)
  replaceFile(state.caKey, authority.key)
  replaceFile(state.caCertificate, authority.certificate)
  return authority
}
