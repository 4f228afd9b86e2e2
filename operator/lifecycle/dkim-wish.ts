/** What a SenderDomain asks of the keys that the operator makes for it. */
import type { dkim } from '../../crds/dkim.ts'
import { durationMs } from '../../crds/duration.ts'
import type { FromSchema } from '../../crds/schema.ts'
import { delegatedSelectors } from './delegated-selectors.ts'
import { keyTypeOf } from './dkim-key.ts'
import type { DkimWish } from './dkim-step.ts'

export type DkimSpec = FromSchema<typeof dkim>

/** Stands in for a missing spec.dkim: nothing signs, and keys that the domain had before retire by these defaults. */
export const unsigned: DkimSpec = {
  mode: 'Off',
  algorithms: [],
  rotation: { every: '2160h', overlap: '168h' },
  selectorPrefix: 'rf',
  signedBy: 'Relay',
}

/** The part of a SenderDomain's spec that decides about its keys. */
export type KeysDeclared = {
  readonly domain: string
  readonly environment: 'Production' | 'NonProduction'
  readonly dkim?: DkimSpec
  readonly dns: { readonly publisher: 'Manual' | 'DNSEndpoint' | 'CNAME'; readonly targetZone?: string }
}

export function wishOf(declared: KeysDeclared): DkimWish {
  const { mode, algorithms, rotation } = declared.dkim ?? unsigned
  const delegated = delegatedOf(declared)
  return {
    types: mode === 'Managed' ? algorithms.map(keyTypeOf) : [],
    everyMs: durationMs(rotation.every),
    overlapMs: durationMs(rotation.overlap),
    ...(delegated !== undefined && { delegated }),
  }
}

function delegatedOf({ domain, environment, dkim = unsigned, dns }: KeysDeclared): DkimWish['delegated'] {
  const { publisher, targetZone } = dns
  if (publisher !== 'CNAME' || targetZone === undefined) return undefined
  return delegatedSelectors({ domain, environment, prefix: dkim.selectorPrefix, targetZone })
}
