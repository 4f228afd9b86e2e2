/**
 * The operator's own authority, in one Secret beside it: made once, followed by another in time, and never replaced
 * unnoticed.
 */
import { createAuthority, type Issued } from '../../ca.ts'
import type { Api } from '../api/api.ts'
import { isConflict, isNotFound, isTransient } from '../api/api-error.ts'
import { type KubeObject, keyOf } from '../api/object.ts'
import { resources } from '../api/resource.ts'
import { Deposed, versionOfNone } from '../write/apply.ts'
import { look } from '../write/look.ts'
import { type Turn, turnOf } from './authority-rotation.ts'
import { added, authoritiesIn, authoritySecret, bundleOf, type HeldAuthority } from './authority-secret.ts'

export type Authority = {
  /** The authority that signs now. */
  readonly signer: Issued
  /** PEM: every authority that clients should trust now. */
  readonly bundle: string
}

export type Keeping = {
  readonly api: Api
  readonly namespace: string
  readonly name: string
  /** A standby reads, and never writes. */
  readonly mayWrite: () => boolean
  /** Called when there was no authority, and one was made that signs at once: no client trusts it yet. */
  readonly made: () => void
  /** The wall clock. */
  readonly now?: () => number
}

export type OpenAuthority = {
  /**
   * @throws Error naming the Secret and the mend, where it is somebody else's or can not be understood
   * @throws Deposed where there is none and another operator has to make it
   * @throws ApiError for trouble that passes, while nothing is known yet
   */
  current(signal: AbortSignal): Promise<Authority>
}

/** How often to look at it again. Only the operator writes it, so that is for accidents. */
const lookAgainMs = 60_000
/** How often to begin anew: where operators write at the same time, one succeeds and the others find what it wrote. */
const tries = 5

/** What was last seen, or written by this operator. */
type Stored = { readonly held: readonly HeldAuthority[]; readonly seenAt: number }
type Found = { readonly held: readonly HeldAuthority[]; readonly object: KubeObject | undefined }

export function openAuthority(keeping: Keeping): OpenAuthority {
  const { api, namespace, name, mayWrite, made, now = Date.now } = keeping
  const at = { namespace, name }
  const what = `Secret ${keyOf(at)}`
  let stored: Stored | undefined
  let refreshing: Promise<Authority> | undefined
  /** The certificate of an authority that signs at once, until it is known to be in the Secret: an answer may be lost. */
  let untold: string | undefined

  /** Tells that it was made, once it is seen. */
  function tellMade(held: readonly HeldAuthority[]): void {
    if (untold === undefined || !held.some(({ certificate }) => certificate === untold)) return
    untold = undefined
    made()
  }

  async function find(signal: AbortSignal): Promise<Found> {
    const seen = await look(api, resources.secrets, at, signal)
    switch (seen.is) {
      case 'absent':
        // It was deleted by accident: what clients trust is still in memory, and is written again.
        return { held: stored?.held ?? [], object: undefined }
      case 'foreign':
        throw new Error(`${what} is there and is not the operator's, which needs the name; rename or delete it`)
      case 'there':
        return { held: read(seen.object), object: seen.object }
    }
  }

  function read(object: KubeObject): readonly HeldAuthority[] {
    try {
      return authoritiesIn(object)
    } catch (error) {
      // A new authority without notice would make every client distrust every listener.
      throw new Error(
        `${what} holds no usable authority (${(error as Error).message}); restore it, or delete it and restart ` +
          'the operator to get a new one, which clients then have to trust',
      )
    }
  }

  /** Whether it was stored; false where another operator was quicker. */
  async function store(held: readonly HeldAuthority[], before: KubeObject | undefined, signal: AbortSignal) {
    if (!mayWrite()) throw new Deposed(`${what} is for another operator to write`)
    const { uid, resourceVersion } = before?.metadata ?? {}
    const version = { resourceVersion: resourceVersion ?? versionOfNone, ...(uid !== undefined && { uid }) }
    try {
      await api.apply(authoritySecret({ ...at, ...version }, held), { force: true, signal })
      return true
    } catch (error) {
      if (isConflict(error) || isNotFound(error)) return false
      throw error
    }
  }

  async function follow(
    { living, wantsNext }: Turn<HeldAuthority>,
    before: KubeObject | undefined,
    signal: AbortSignal,
  ) {
    const next = wantsNext ? [...living, added(await createAuthority(now()), now())] : living
    if (living.length === 0) untold = next[0]?.certificate
    if (!(await store(next, before, signal))) return undefined
    tellMade(next)
    return next
  }

  /** What is in the Secret, after what is due was added or removed. */
  async function settle(signal: AbortSignal): Promise<readonly HeldAuthority[]> {
    for (let left = tries; left > 0; left--) {
      const { held, object } = await find(signal)
      tellMade(held)
      const turn = turnOf(held, now())
      const isDue = object === undefined || turn.wantsNext || turn.living.length < held.length
      if (!isDue || (held.length > 0 && !mayWrite())) return held
      const next = await follow(turn, object, signal)
      if (next !== undefined) return next
    }
    throw new Error(`${what} is changed by others all the time; find out who does it, since only the operator may`)
  }

  async function refresh(signal: AbortSignal): Promise<Authority> {
    try {
      stored = { held: await settle(signal), seenAt: now() }
    } catch (error) {
      const known = isTransient(error) ? stored : undefined
      if (known === undefined) throw error
      return authorityOf(turnOf(known.held, now()), what)
    }
    return authorityOf(turnOf(stored.held, now()), what)
  }

  return {
    async current(signal) {
      const turn = turnOf(stored?.held ?? [], now())
      const isFresh = stored !== undefined && Math.abs(now() - stored.seenAt) < lookAgainMs
      if (isFresh && !(turn.wantsNext && mayWrite())) return authorityOf(turn, what)
      refreshing ??= refresh(signal).finally(() => {
        refreshing = undefined
      })
      return refreshing
    },
  }
}

function authorityOf({ signer, living }: Turn<HeldAuthority>, what: string): Authority {
  if (signer === undefined) throw new Deposed(`every authority in ${what} has ended; another operator has to make one`)
  const { certificate, key } = signer
  return { signer: { certificate, key }, bundle: bundleOf(living) }
}
