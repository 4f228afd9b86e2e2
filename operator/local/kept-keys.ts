/** Makes and erases the DKIM keys of local mode: files in the state folder, which only their owner may read. */
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import type { Name } from '../compile/snapshot.ts'
import { unsigned } from '../lifecycle/dkim-wish.ts'
import { newSigningKey } from '../new-signing-key.ts'
import type { LocalKeys } from './domain-keys.ts'
import { replaceFile } from './files.ts'
import { foldersIn, type State } from './state.ts'

/** Makes new keys and erases retired ones, as decided. Resolves to whether anything changed. */
export async function keepSigningKeys(keys: ReadonlyMap<Name, LocalKeys>, state: State, now: number): Promise<boolean> {
  let changed = false
  for (const [name, { domain, make, erase }] of keys) {
    const folder = state.domainKeys(name)
    const { environment, dkim = unsigned, domain: its } = domain.spec
    for (const selector of erase) rmSync(join(folder, `${selector}.pem`), { force: true })
    for (const key of make) {
      const { selector, pem } = await newSigningKey(its, key, { prefix: dkim.selectorPrefix, environment, now })
      changed = replaceFile(join(folder, `${selector}.pem`), pem) || changed
    }
    changed ||= erase.length > 0
  }
  return changed
}

/** Removes the keys of every SenderDomain that is not among `domains`. */
export function pruneKeys(domains: ReadonlySet<Name>, state: State): void {
  for (const namespace of state.namespaces()) {
    for (const folder of foldersIn(state.signingKeys(namespace))) {
      const name: Name = `${namespace}/${folder}`
      if (!domains.has(name)) rmSync(state.domainKeys(name), { recursive: true, force: true })
    }
  }
}
