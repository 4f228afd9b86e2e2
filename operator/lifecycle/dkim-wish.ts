/** What a domain's owner asks of the keys that are made for it. */
import type { dkim } from '../../crds/dkim.ts'
import { durationMs } from '../../crds/duration.ts'
import type { FromSchema } from '../../crds/schema.ts'
import { keyTypeOf } from './dkim-key.ts'
import type { DkimWish } from './dkim-step.ts'

export type DkimSpec = FromSchema<typeof dkim>

/** What holds for the keys that a domain had, where nothing signs as it any more. */
export const unsigned: DkimSpec = {
  mode: 'Off',
  algorithms: [],
  rotation: { every: '2160h', overlap: '168h' },
  selectorPrefix: 'rf',
  signedBy: 'Relay',
}

export const wishOf = ({ mode, algorithms, rotation }: DkimSpec): DkimWish => ({
  types: mode === 'Managed' ? algorithms.map(keyTypeOf) : [],
  everyMs: durationMs(rotation.every),
  overlapMs: durationMs(rotation.overlap),
})
