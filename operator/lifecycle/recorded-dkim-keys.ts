/** Writes and reads the keys in a SenderDomain's status; entries that are not well-formed are ignored. */
import { type DkimAlgorithm, type DkimKey, dkimStages } from './dkim-key.ts'
import { toTheSecond } from './to-the-second.ts'

export type DkimKeyStatus = Omit<DkimKey, 'since'> & { readonly since: string }

export const dkimKeyStatus = ({
  selector,
  algorithm,
  stage,
  since,
  publicKey,
  delegatedTo,
}: DkimKey): DkimKeyStatus => ({
  ...{ selector, algorithm, stage },
  // Rounded up, never down: else a look at the very moment of the step could count as the second look that a key has to wait for.
  since: toTheSecond(Math.ceil(since / 1000) * 1000),
  publicKey,
  ...(delegatedTo !== undefined && { delegatedTo }),
})

const selectorForm = /^[a-z0-9-]+(\.[a-z0-9-]+)*$/i
const algorithmForm = /^(rsa\d{3,5}|ed25519)$/
const isAlgorithm = (text: unknown): text is DkimAlgorithm => typeof text === 'string' && algorithmForm.test(text)

export function recordedDkimKeys({ dkimKeys }: { readonly dkimKeys?: unknown }): readonly DkimKey[] {
  return Array.isArray(dkimKeys) ? dkimKeys.flatMap(keyIn) : []
}

function keyIn(value: unknown): readonly DkimKey[] {
  const { selector, algorithm, stage, since, publicKey, delegatedTo } = (value ?? {}) as Readonly<
    Record<string, unknown>
  >
  const known = dkimStages.find((s) => s === stage)
  const at = typeof since === 'string' ? Date.parse(since) : Number.NaN
  const isText = typeof selector === 'string' && selectorForm.test(selector) && typeof publicKey === 'string'
  if (!isText || !isAlgorithm(algorithm) || known === undefined || Number.isNaN(at)) return []
  const its = typeof delegatedTo === 'string' && { delegatedTo }
  return [{ selector, algorithm, publicKey, stage: known, since: at, ...its }]
}
