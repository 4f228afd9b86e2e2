/** What happens in one story: what clients mean to send, and all that changes or fails between any two of their steps. */
import fc from 'fast-check'
import { type Lie, lies } from '../limits/plain-store.ts'
import { type Identity, identity } from './rights-claims.ts'
import type { Mail } from './rights-model.ts'
import { type Edit, editNear, type Name, type Pace, relays } from './rights-world.ts'

export type Message = Mail & { readonly isBig: boolean }
export type Plan = {
  readonly relay: number
  readonly isImplicit: boolean
  readonly identity: Identity
  readonly messages: readonly Message[]
}
/** What goes wrong while a message is made ours; `held`: the configuration changes while the store of limits is waited for. */
export type AtTheDot =
  | { readonly kind: 'held'; readonly edit: Edit }
  | { readonly kind: 'silent'; readonly isCounted: boolean }
  | { readonly kind: 'lies'; readonly lie: Lie }
  | { readonly kind: 'disk'; readonly isFull: boolean }

const addresses = [
  'noreply@corp.example',
  'billing@corp.example',
  'noreply@mail.corp.example',
  'noreply@team-b.example',
]
const path = fc.constantFrom('a@elsewhere.example', 'b@elsewhere.example', 'c@partner.example')
/** Most are those that its sender may send. */
const messageOf = (as: Name): fc.Arbitrary<Message> => {
  const own = as === 'other' ? 'noreply@team-b.example' : 'noreply@corp.example'
  const address = fc.oneof({ weight: 5, arbitrary: fc.constant(own) }, fc.constantFrom(...addresses))
  const reversePath = fc.oneof({ weight: 4, arbitrary: address }, fc.constant(''))
  return fc.record({
    from: address,
    reversePath,
    forwardPaths: fc.uniqueArray(path, { minLength: 1 }),
    isBig: fc.boolean(),
  })
}
const plan: fc.Arbitrary<Plan> = identity.chain((its) =>
  fc.record({
    relay: fc.nat({ max: relays - 1 }),
    isImplicit: fc.boolean(),
    identity: fc.constant(its),
    messages: fc.array(messageOf(its.as), { minLength: 1, maxLength: 6 }),
  }),
)
/** Else the answer that is waited for would never come. */
const keepsStore = (edit: Edit): boolean => !(edit.of === 'fleet' && 'hasStore' in edit.to)
const atTheDot = (edit: fc.Arbitrary<Edit>): fc.Arbitrary<AtTheDot> =>
  fc.oneof(
    { weight: 5, arbitrary: edit.filter(keepsStore).map((one) => ({ kind: 'held', edit: one }) as const) },
    { weight: 1, arbitrary: fc.boolean().map((isCounted) => ({ kind: 'silent', isCounted }) as const) },
    { weight: 1, arbitrary: fc.constantFrom(...lies).map((lie) => ({ kind: 'lies', lie }) as const) },
    { weight: 1, arbitrary: fc.boolean().map((isFull) => ({ kind: 'disk', isFull }) as const) },
  )

const changesOfStore = ['goes away', 'comes back', 'forgets', 'restarts'] as const
export type ChangeOfStore = (typeof changesOfStore)[number]
export type Act =
  /** One of the clients takes its next steps. */
  | { readonly kind: 'step'; readonly who: number; readonly times: number; readonly atTheDot: AtTheDot | undefined }
  | { readonly kind: 'leave'; readonly who: number }
  | { readonly kind: 'edit'; readonly edit: Edit }
  | { readonly kind: 'clock'; readonly ms: number }
  | { readonly kind: 'store'; readonly how: ChangeOfStore }

const clients = 3
const who = fc.nat({ max: clients - 1 })
const clock = fc.constantFrom(...[1, 10, 60, 120, 300, 600, 3_600].map((seconds) => seconds * 1_000))
const actNear = (edit: fc.Arbitrary<Edit>): fc.Arbitrary<Act> =>
  fc.oneof(
    {
      weight: 20,
      arbitrary: fc.record({
        kind: fc.constant('step' as const),
        who,
        times: fc.constantFrom(1, 1, 2, 4, 9),
        atTheDot: fc.oneof({ weight: 2, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: atTheDot(edit) }),
      }),
    },
    { weight: 1, arbitrary: who.map((one) => ({ kind: 'leave', who: one }) as const) },
    { weight: 7, arbitrary: edit.map((one) => ({ kind: 'edit', edit: one }) as const) },
    { weight: 3, arbitrary: clock.map((ms) => ({ kind: 'clock', ms }) as const) },
    {
      weight: 3,
      arbitrary: fc
        .constantFrom(...changesOfStore, 'comes back' as const)
        .map((how) => ({ kind: 'store', how }) as const),
    },
  )

const throttle = fc.record({
  scope: fc.constantFrom(
    ['Credential'] as const,
    ['Namespace'] as const,
    ['Credential', 'SenderDomain'] as const,
    ['SenderDomain'] as const,
  ),
  rate: fc.constantFrom(2, 6),
  burst: fc.constantFrom(2, 5),
  action: fc.constantFrom('Reject' as const, 'Audit' as const),
})
const pace: fc.Arbitrary<Pace> = fc.record({
  rate: fc.option(fc.constantFrom(1, 3, 6), { nil: undefined, freq: 2 }),
  throttle: fc.option(throttle, { nil: undefined, freq: 1 }),
})

export type Story = { readonly pace: Pace; readonly plans: readonly Plan[]; readonly acts: readonly Act[] }
export const story: fc.Arbitrary<Story> = fc
  .tuple(pace, fc.array(plan, { minLength: clients, maxLength: clients }))
  .chain(([its, plans]) => {
    const near = plans.map(({ identity: { as } }) => as)
    const acts = fc.array(actNear(editNear(...near)), { minLength: 5, maxLength: 50, size: 'max' })
    return acts.map((all) => ({ pace: its, plans, acts: all }))
  })
