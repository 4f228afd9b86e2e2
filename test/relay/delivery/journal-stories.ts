/** What may happen to delivery and to the disk of its spool in an hour, at random, also in the middle of whatever is under way. */
import fc from 'fast-check'
import { hostNames, ways } from './stories.ts'
import { moods } from './toy-hosts.ts'

const credential = fc.constantFrom('team-a/web', 'team-a/batch', 'team-b/web')
const domain = fc.constantFrom('d0.test', 'd1.test', 'calm.test', 'm0.test', 'm1.test', 'elsewhere.test')
const path = fc.tuple(fc.constantFrom('a', 'b', 'p1', 'p2'), domain).map((two) => two.join('@'))
const submit = fc.record({
  do: fc.constant('submit' as const),
  credential,
  from: fc.constantFrom('app@corp.test', 'app@corp.test', 'app@corp.test', ''),
  to: fc.uniqueArray(path, { minLength: 1, maxLength: 5 }),
  /** Some of them get a file of their own, or are sent as a stream. */
  bytes: fc.constantFrom(300, 300, 300, 1500, 17_000, 131_071, 131_073, 140_000),
  times: fc.constantFrom(1, 1, 1, 1, 1, 30),
})
const mood = fc.record({
  do: fc.constant('mood' as const),
  host: fc.constantFrom(...hostNames),
  mood: fc.constantFrom('healthy' as const, 'healthy' as const, ...moods),
})
const calls = ['write', 'sync', 'rename', 'unlink', 'create', 'open', 'read', 'size'].flatMap((call) => [
  `${call} journal`,
  `${call} large`,
])
const disk = fc.record({
  do: fc.constant('disk' as const),
  is: fc.record({
    failures: fc.constantFrom(0, 0, 0, 0, 0.02, 0.2),
    ill: fc.oneof(
      { weight: 4, arbitrary: fc.constant(undefined) },
      fc.constantFrom(...calls, 'truncate journal', 'syncDirectory journal', 'syncDirectory large', 'space spool'),
    ),
    misreads: fc.constantFrom(0, 0, 0, 0, 0.2, 1),
    latencyMs: fc.constantFrom(0, 0, 0, 5, 50, 2000),
    isSilent: fc.constantFrom(false, false, false, false, false, false, true),
  }),
  /** How much of a small volume somebody else has. */
  others: fc.constantFrom(0, 0, 0, 0, 0.5, 0.9, 1),
})
const wait = fc.record({
  do: fc.constant('wait' as const),
  ms: fc.constantFrom(1, 20, 300, 1000, 5000, 30_000, 120_000, 300_000),
})
/** So many times that something waits for, and then so many turns of the event loop: what is under way then is in its middle. */
const halt = fc.record({
  do: fc.constant('halt' as const),
  times: fc.nat({ max: 6 }),
  turns: fc.nat({ max: 40 }),
})
const reload = fc.record({ do: fc.constant('reload' as const), ways })
const pause = fc.record({ do: fc.constantFrom('suspend' as const, 'resume' as const) })
const deed = fc.oneof(
  { weight: 7, arbitrary: submit },
  { weight: 4, arbitrary: mood },
  { weight: 3, arbitrary: disk },
  { weight: 5, arbitrary: wait },
  { weight: 4, arbitrary: halt },
  { weight: 1, arbitrary: reload },
  { weight: 1, arbitrary: pause },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('kill' as const, 'lose' as const) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('restart' as const),
      graceMs: fc.constantFrom(0, 500, 30_000),
      meanwhile: fc.array(fc.oneof(submit, mood, disk, wait, halt, reload), { maxLength: 4 }),
      /** It is killed before it has ended. */
      isCut: fc.constantFrom(false, false, true),
    }),
  },
)
export const deeds = fc.array(deed, { minLength: 1, maxLength: 30, size: 'max' })
export type Deed = typeof deed extends fc.Arbitrary<infer T> ? T : never

/** Each line of it begins with a dot. */
export function contentFor(queueId: string, bytes: number): Buffer {
  const header = `From: <app@corp.test>\r\nMessage-ID: <${queueId}@corp.test>\r\n\r\n`
  const line = `.${queueId}${'x'.repeat(60)}\r\n`
  const text = `${header}${line.repeat(Math.ceil(bytes / line.length))}`.slice(0, bytes - 3)
  return Buffer.from(`${text.replace(/[\r\n]+$/, '')}z\r\n`)
}
