/** Whether a certificate that was issued earlier, and its key, can stay in use; they come from a Secret or from a folder. */
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { type Issued, stillServes } from './ca.ts'

/** True where nothing has to be issued again. */
export async function pairServes(
  { certificate = '', key = '' }: { readonly [part in keyof Issued]?: string | undefined },
  authority: Issued,
  hosts: readonly string[],
  now: number,
): Promise<boolean> {
  return belongTogether(certificate, key) && (await stillServes(certificate, authority, hosts, now))
}

function belongTogether(certificate: string, key: string): boolean {
  try {
    return new X509Certificate(certificate).checkPrivateKey(createPrivateKey(key))
  } catch {
    return false
  }
}
