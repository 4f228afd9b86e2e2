/** Waits until an operator has done all that the declared objects ask of it. */
import { until } from '../../local/until.ts'
import type { Api } from '../api.ts'
import { theCluster } from '../cluster.ts'
import { type Digest, digestOf } from './digest.ts'
import type { OperatorProcess } from './operator-process.ts'

/** For so many milliseconds nothing may be written: longer than an operator waits before it writes a status. */
export const quietMs = 3000

/** Resolves with the digest when there was no write for a while, and all declared objects have been judged. */
export async function settled(
  admin: Api,
  operator: Pick<OperatorProcess, 'writes'>,
  namespace: string,
  deadlineMs = 60_000,
): Promise<Digest> {
  let before = -1
  let since = performance.now()
  return until(
    `${namespace} settles`,
    async () => {
      if (operator.writes() !== before) {
        before = operator.writes()
        since = performance.now()
      }
      if (performance.now() - since < quietMs) return undefined
      const digest = await digestOf(admin, namespace)
      const isDone = isJudged(digest) && (!theCluster().controllers || (isCollected(digest) && hasPods(digest)))
      return isDone ? digest : undefined
    },
    deadlineMs,
  )
}

const plurals: Readonly<Record<string, string>> = {
  RelayPolicy: 'relaypolicies',
  SenderDomain: 'senderdomains',
  RelayCredential: 'relaycredentials',
}

/** Whether garbage collection is through: no object is without its owner, and none is being deleted. */
const isCollected = (digest: Digest): boolean =>
  Object.values(digest).every((o) => {
    const { owners = [], leaving } = o as { readonly owners?: readonly string[]; readonly leaving?: true }
    if (leaving === true) return false
    return owners.every((owner) => {
      const [kind = '', name] = owner.split(' ')
      return plurals[kind] === undefined || `${plurals[kind]} ${name}` in digest
    })
  })

/** Whether the pods are made: on a busy machine their controller may take longer than the operator is watched for a write. */
const hasPods = (digest: Digest): boolean => !/ pods are not there /.test(JSON.stringify(digest))

/**
 * Whether each status is of the current generation, the binding Secret that it names exists, which may come late on a slow
 * machine, and nothing waits to be tried again because the API server had no time.
 */
const isJudged = (digest: Digest): boolean =>
  Object.entries(digest)
    .filter(([key]) => /^(relay|sender)/.test(key))
    .every(([, o]) => {
      const { status, generation } = o as { status?: Judged; generation?: number }
      const named = status?.binding?.name
      if (JSON.stringify(status ?? {}).includes('it is tried again')) return false
      return status?.observedGeneration === generation && (named === undefined || `secrets ${named}` in digest)
    })

type Judged = { readonly observedGeneration?: number; readonly binding?: { readonly name: string } }
