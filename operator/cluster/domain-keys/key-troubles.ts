/** The conditions for a Secret with the keys of a domain that can not be used. Pure. */
import type { KeyCondition } from '../../lifecycle/domain-keys.ts'
import { withMend } from '../write/refused.ts'

const wrong = (reason: string, message: string): KeyCondition => ({
  type: 'ResolvedRefs',
  status: 'False',
  reason,
  message,
  field: 'spec.dkim.mode',
})

export const keyTroubles = {
  damaged: (secret: string, why: string) =>
    wrong(
      'KeySecretDamaged',
      `Secret ${secret} can not be read: ${why}; restore it from a backup, or delete it, and other keys are made (until then the keys that the relays have go on signing, and none is made or erased)`,
    ),
  refused: (why: string) =>
    wrong(
      'KeySecretRefused',
      `the Secret with its keys can not be looked at or written: ${withMend(why)} (until then the keys that the relays have go on signing, and none is made or erased)`,
    ),
  notOwned: (secret: string) =>
    wrong(
      'KeySecretNotOwned',
      `Secret ${secret} is there and is not this SenderDomain's; delete or rename it, so that keys can be kept there`,
    ),
} as const
