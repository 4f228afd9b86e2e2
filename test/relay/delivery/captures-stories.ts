/** What may happen to captured mail, and to the disk of its spool and inbox, at random, also in the middle of whatever is under way. */
import fc from 'fast-check'

const submit = fc.record({
  do: fc.constant('submit' as const),
  credential: fc.constantFrom('team-a/web', 'team-b/web'),
  /** Recipients; the envelope of very many is larger than the message. */
  to: fc.constantFrom(1, 1, 1, 3, 1000),
  /** Some have a file of their own in the spool. */
  bytes: fc.constantFrom(300, 300, 300, 17_000, 131_073, 500_000),
  times: fc.constantFrom(1, 1, 1, 1, 5, 40),
})
const calls = [
  ...['write', 'sync', 'rename', 'unlink', 'create', 'isFile'].map((call) => `${call} inbox`),
  ...['syncDirectory inbox', 'syncDirectory data', 'makeDirectory inbox', 'space inbox'],
  ...['write journal', 'sync journal', 'read journal', 'read large', 'create journal'],
]
const disk = fc.record({
  do: fc.constant('disk' as const),
  is: fc.record({
    failures: fc.constantFrom(0, 0, 0, 0.02, 0.2),
    ill: fc.oneof({ weight: 2, arbitrary: fc.constant(undefined) }, fc.constantFrom(...calls)),
    misreads: fc.constantFrom(0, 0, 0, 0, 0.2),
    latencyMs: fc.constantFrom(0, 0, 0, 5, 50, 2000),
    isSilent: fc.constantFrom(false, false, false, false, false, false, true),
  }),
  /** How much of the volume somebody else has. */
  others: fc.constantFrom(0, 0, 0, 0.5, 0.9, 0.95, 1),
})
const wait = fc.record({
  do: fc.constant('wait' as const),
  ms: fc.constantFrom(1, 20, 300, 1000, 5000, 30_000, 120_000),
})
/** So many times that something waits for, and then so many turns of the event loop: what is under way then is in its middle. */
const halt = fc.record({ do: fc.constant('halt' as const), times: fc.nat({ max: 6 }), turns: fc.nat({ max: 60 }) })
const deed = fc.oneof(
  { weight: 6, arbitrary: submit },
  { weight: 3, arbitrary: disk },
  { weight: 4, arbitrary: wait },
  { weight: 5, arbitrary: halt },
  { weight: 3, arbitrary: fc.record({ do: fc.constantFrom('kill' as const, 'lose' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('restart' as const) }) },
)
export const deeds = fc.array(deed, { minLength: 1, maxLength: 25, size: 'max' })
export type Deed = typeof deed extends fc.Arbitrary<infer T> ? T : never
