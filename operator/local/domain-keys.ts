/** The keys that sign as the domains of a directory: those that its Secrets provide. */
import { signingKeyFile } from '../compile/signing.ts'
import { type Domain, type Name, nameOf } from '../compile/snapshot.ts'
import { type GivenSecret, type ProvidedKeys, providedKeys } from '../lifecycle/provided-keys.ts'
import { recordedDkimKeys } from '../lifecycle/recorded-dkim-keys.ts'
import type { Directory } from './directory.ts'
import type { Statuses } from './observed-statuses.ts'

/** By SenderDomain, with the private keys: what compile may know of them is the rest. */
export function localDomainKeys(
  directory: Directory,
  domains: readonly Domain[],
  statuses: Statuses,
  now: number,
): ReadonlyMap<Name, ProvidedKeys> {
  const found = new Map<Name, ProvidedKeys>()
  for (const { namespace, name, spec } of domains) {
    const secretRef = spec.dkim?.secretRef
    if (secretRef === undefined) continue
    const secret: Name = `${namespace}/${secretRef.name}`
    const status: Readonly<Record<string, unknown>> = statuses.get(`SenderDomain ${namespace}/${name}`) ?? {}
    const recorded = recordedDkimKeys(status)
    found.set(nameOf({ namespace, name }), providedKeys(spec.domain, secret, givenIn(directory, secret), recorded, now))
  }
  return found
}

export function pemIn(keys: ReturnType<typeof localDomainKeys>, name: Name, keyFile: string): string | undefined {
  const { sign = [], pems } = keys.get(name) ?? {}
  const key = sign.find((k) => signingKeyFile(name, k) === keyFile)
  return key && pems?.get(key.selector)
}

/** What is in the directory is given with it. */
function givenIn({ objects }: Directory, name: Name): GivenSecret {
  const secret = objects.find((o) => o.declares === 'keyed' && o.kind === 'Secret' && o.name === name)
  if (secret?.declares !== 'keyed') return { is: 'absent' }
  return { is: 'there', data: new Map([...secret.values].map(([key, bytes]) => [key, Buffer.from(bytes).toString()])) }
}
