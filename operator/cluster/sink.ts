/** Gives what was compiled to those who carry it out; each of them returns at once and works for itself. */
import type { Compiled } from '../compile/compiled.ts'
import type { Ref } from '../compile/snapshot.ts'
import type { Verifier } from '../dns/verifier.ts'
import type { Sink } from '../run.ts'
import type { Bindings } from './bindings/bindings.ts'
import type { Guides } from './bindings/guides.ts'
import type { Fleets } from './fleets/fleets.ts'
import type { Publisher } from './publishing/publisher.ts'
import type { Reporter } from './statuses/reporter.ts'

type Hands = {
  readonly bindings: Pick<Bindings, 'give'>
  readonly guides: Pick<Guides, 'give'>
  readonly fleets: Pick<Fleets, 'give'>
  readonly reporter: Pick<Reporter, 'give'>
  readonly verifier: Pick<Verifier, 'give'>
  readonly publisher: Pick<Publisher, 'give'>
  /** The PEM bundle that clients verify issued certificates by; undefined while there is none. */
  readonly authority: () => string | undefined
  /** Of the objects that it was compiled from. */
  readonly uids: () => ReadonlyMap<Ref, string>
}

export const clusterSink = ({
  bindings,
  guides,
  fleets,
  reporter,
  verifier,
  publisher,
  authority,
  uids,
}: Hands): Sink => ({
  async apply(compiled) {
    const bundle = authority()
    if (bundle === undefined) bindings.give(withoutAuthority(compiled), '')
    else bindings.give(compiled, bundle)
    guides.give(compiled.guides, bundle)
    fleets.give(compiled)
  },
  async report(compiled) {
    verifier.give(compiled.domainChecks)
    publisher.give(compiled.publications, uids())
    reporter.give(compiled, uids())
  },
})

/**
 * Without an authority the bindings that contain its certificate have to wait: they count as held, so that what they have
 * stays as it is.
 */
function withoutAuthority({ bindings, heldBindings }: Compiled): Pick<Compiled, 'bindings' | 'heldBindings'> {
  const waiting = [...bindings].filter(([, binding]) => binding.issuedByOperator).map(([name]) => name)
  return {
    bindings: new Map([...bindings].filter(([, binding]) => !binding.issuedByOperator)),
    heldBindings: new Set([...heldBindings, ...waiting]),
  }
}
