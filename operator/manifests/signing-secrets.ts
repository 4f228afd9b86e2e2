/** The Secrets with the private keys that a fleet's relays sign with: which file is in which of them. */
import { createHash } from 'node:crypto'
import { type Name, splitName } from '../compile/snapshot.ts'
import { metadataOf } from './labels.ts'
import type { Manifest } from './manifest.ts'
import { signingSecretNames } from './names.ts'

/** By file: PEM in base64. */
export type KeyFiles = Readonly<Record<string, string>>

/** A file is always in the same one, so that another domain's key moves none. */
export function signingSecretOf(fleet: Name, keyFile: string): string {
  const names = signingSecretNames(splitName(fleet).name)
  const place = createHash('sha256').update(keyFile).digest().readUInt32BE(0) % names.length
  return names[place] ?? ''
}

export const signingSecret = (fleet: Name, name: string, data: KeyFiles): Manifest => ({
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: metadataOf(fleet, name),
  type: 'Opaque',
  data,
})
