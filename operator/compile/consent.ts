/** Consent: may a namespace use an object that lives in another one? */
import type { Namespaces } from '../../crds/selector-rules.ts'
import { selects } from './selector.ts'
import type { Snapshot } from './snapshot.ts'
import { mayBeUnread, type Unread } from './unread.ts'

/**
 * `unknown`: the namespace's labels could not be read, or have not arrived yet. Then nothing new is granted, and nothing is taken
 * away.
 */
export type Consent = 'yes' | 'no' | 'unknown'

type Facts = Pick<Snapshot, 'namespaces' | 'namespacesMayLag'> & Unread

export function consent(given: Namespaces, owner: string, asking: string, facts: Facts): Consent {
  switch (given.from) {
    case 'All':
      return 'yes'
    case 'Same':
      return owner === asking ? 'yes' : 'no'
    case 'Selector':
      return selected(given, asking, facts)
  }
}

function selected({ selector }: Namespaces, asking: string, facts: Facts): Consent {
  const listed = facts.namespaces.get(asking)
  if (listed === undefined && (facts.namespacesMayLag === true || mayBeUnread(facts, asking))) return 'unknown'
  const labels = { ...listed, 'kubernetes.io/metadata.name': asking }
  return selector !== undefined && selects(selector, labels) ? 'yes' : 'no'
}
