/** Makes objects of our kinds, with a status as an operator would have written it. */
import { kinds } from '../../crds/kinds.ts'
import { credentialSpec, domainSpec, policySpec } from '../crds/samples.ts'
import { type Api, accepted, type KubeObject } from './api.ts'
import { objectsPath } from './install-crds.ts'

type Word = 'True' | 'False' | 'Unknown'
/** The status of a condition, or with its reason and message: `['False', 'NoAnswer', 'no relay answers']`. */
export type Said = Word | readonly [Word, string, string]
type Status = Readonly<Record<string, Said>>

const conditionOf = ([type, said]: readonly [string, Said]) => {
  const [status, reason, message] = typeof said === 'string' ? [said, type, 'said by a test'] : said
  return { type, status, reason, message, observedGeneration: 1, lastTransitionTime: '2027-01-31T00:00:00Z' }
}

/** Without conditions, an object gets no status, as if no operator had seen it. */
export function declarer(api: Api, namespace: string) {
  const declare =
    (kindName: string, base: object) =>
    async (name: string, spec: object, conditions?: Status, more: object = {}): Promise<KubeObject> => {
      const kind = kinds.find(({ kind }) => kind === kindName) as (typeof kinds)[number]
      const path = objectsPath(kind, namespace)
      const object = { apiVersion: 'relayfleet.dev/v1alpha1', kind: kindName, metadata: { name, namespace } }
      const made = accepted(await api.create(path, { ...object, spec: { ...base, ...spec } }))
      if (conditions === undefined) return made
      const { generation } = made.metadata
      const status = {
        observedGeneration: generation,
        conditions: Object.entries(conditions).map(conditionOf),
        ...more,
      }
      return accepted(await api.patch(`${path}/${name}/status`, { status }))
    }
  return {
    policy: declare('RelayPolicy', policySpec),
    domain: declare('SenderDomain', domainSpec),
    credential: declare('RelayCredential', credentialSpec),
  }
}
