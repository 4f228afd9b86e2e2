/** A certificate that was issued and its key, as they were found again, in a Secret or in a folder. */
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { type Issued, stillServes } from './ca.ts'

/** Whether nothing has to be issued anew. */
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
