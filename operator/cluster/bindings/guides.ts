/**
 * Makes the ConfigMaps that tell applications where to submit, and as whom; keeps them right, and never touches somebody
 * else's.
 */
import { isDeepStrictEqual } from 'node:util'
import type { Compiled, Condition } from '../../compile/compiled.ts'
import { type Name, splitName } from '../../compile/snapshot.ts'
import type { Dirty } from '../../dirty.ts'
import type { Api } from '../api/api.ts'
import { rest } from '../api/rest.ts'
import type { World } from '../watch/world.ts'
import { applyObject, Deposed, Leaving } from '../write/apply.ts'
import { openLanes } from '../write/lanes.ts'
import { credentialOwner } from '../write/ownership.ts'
import { lasts, whyOf } from '../write/refused.ts'
import { guideObject, guideRefused, guideTrouble, type OwedGuide } from './guide-object.ts'

export type Guides = {
  /** What is owed from now on; returns at once. While there is no authority (undefined), ConfigMaps that need one wait. */
  give(guides: Compiled['guides'], authority: string | undefined): void
  /** Why a credential's ConfigMap is not as it should be: a condition for it, ready to be shown. */
  troubles(): ReadonlyMap<Name, Condition>
  run(signal: AbortSignal): Promise<void>
}

type Guiding = {
  readonly api: Api
  readonly world: Pick<World, 'declaredAs'>
  readonly mayWrite: () => boolean
  /** Marked when troubles are others than before. */
  readonly dirty: Pick<Dirty, 'mark'>
  /** How often each is looked at. */
  readonly everyMs: number
  readonly tell: (name: Name, why: string) => void
}

/** How long to wait for what is under way in the end; it is given up, and so ends soon. */
const restMs = 5000

export function openGuides({ api, world, mayWrite, dirty, everyMs, tell }: Guiding): Guides {
  const ending = new AbortController()
  const owing = new Map<Name, OwedGuide>()
  const troubles = new Map<Name, Condition>()
  const lanes = openLanes<OwedGuide>({
    work: (name, owed) => make(name as Name, owed),
    failed: (name, error, waitMs) => fail(name as Name, error, waitMs),
  })

  async function make(name: Name, owed: OwedGuide): Promise<void> {
    if (owing.get(name) !== owed) return
    const applied = await applyObject(guideObject(owed), undefined, owed.owner, {
      api,
      mayWrite,
      signal: ending.signal,
    })
    if (applied.kind === 'leaving') throw new Leaving(`${applied.what} is still being deleted`)
    if (owing.get(name) === owed) note(name, guideTrouble(owed, applied))
  }

  function fail(name: Name, error: unknown, waitMs: number): void {
    const owed = owing.get(name)
    if (owed === undefined || error instanceof Deposed || ending.signal.aborted) return
    const why = whyOf(error)
    tell(name, why)
    if (!(error instanceof Leaving) && lasts(error, waitMs)) note(name, guideRefused(owed, why))
  }

  function note(name: Name, trouble: Condition | undefined): void {
    if (isDeepStrictEqual(trouble, troubles.get(name))) return
    if (trouble === undefined) troubles.delete(name)
    else troubles.set(name, trouble)
    dirty.mark()
  }

  function owe(name: Name, owed: OwedGuide): void {
    if (isDeepStrictEqual(owed, owing.get(name))) return
    owing.set(name, owed)
    lanes.give(name, owed, JSON.stringify(owed))
  }

  function forgetAllBut(guides: Compiled['guides']): void {
    for (const known of [owing, troubles]) for (const name of known.keys()) if (!guides.has(name)) known.delete(name)
  }

  return {
    give(guides, authority) {
      forgetAllBut(guides)
      for (const [name, guide] of guides) {
        const declared = world.declaredAs(`RelayCredential ${name}`)
        const trusted = guide.issuedByOperator ? authority : ''
        if (declared === undefined || trusted === undefined) continue
        const owner = credentialOwner({ ...splitName(name), uid: declared.uid })
        owe(name, { guide, authority: trusted, owner })
      }
    },
    troubles: () => troubles,
    async run(signal) {
      signal.addEventListener('abort', () => ending.abort(), { once: true })
      while (!signal.aborted) {
        // Spread over `everyMs`, so that thousands of looks at once do not burden the API server.
        const names = [...owing.keys()]
        for (const name of names) {
          await rest(everyMs / names.length, signal)
          const owed = owing.get(name)
          if (owed !== undefined && !signal.aborted) lanes.give(name, owed, JSON.stringify(owed))
        }
        if (names.length === 0) await rest(everyMs, signal)
      }
      lanes.close()
      await lanes.rest(restMs)
    },
  }
}
