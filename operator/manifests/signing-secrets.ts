/** The Secrets with a fleet's DKIM private keys, and which key file is in which of them. */
import { createHash } from 'node:crypto'
import { type Name, splitName } from '../compile/snapshot.ts'
import { metadataOf } from './labels.ts'
import type { Manifest } from './manifest.ts'
import { signingSecretNames } from './names.ts'

/** By the name of the file: PEM in base64, as a Secret's `data` has it. */
export type KeyFiles = Readonly<Record<string, string>>

/** Which Secret a file is in depends only on its name, so adding another domain's key never moves it. */
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
