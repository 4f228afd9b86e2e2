/**
 * Verifies ten thousand domains against a name server on this machine: how long the first looks take, the most questions in any
 * second, the processor time, and how soon a record that breaks is noticed. `node bench/records.ts [domains] [questions a second]
 * [seconds between looks at what is broken]`; as root, since the name server has to be on port 53.
 */
import { fork } from 'node:child_process'
import { Socket } from 'node:dgram'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { openAsking } from '../operator/dns/ask.ts'
import { Verifier } from '../operator/dns/verifier.ts'
import { isBroken } from '../operator/lifecycle/domain-records.ts'
import { recordsWanted } from '../operator/lifecycle/records-wanted.ts'
import { Busiest } from './busiest.ts'

/** Counts questions as we send them: on a busy machine, the server reads late, and then many at once. */
const left = new Busiest()
const { send } = Socket.prototype
Socket.prototype.send = function (this: Socket, ...message: Parameters<Socket['send']>) {
  left.note(performance.now())
  return send.apply(this, message)
} as typeof send

const [domains = 10_000, perSecond = 1000, everySeconds = 10] = process.argv.slice(2).map(Number)
const address = '127.53.53.53'
const everyMs = everySeconds * 1000
const toBreak = Math.min(200, domains)

type Counted = { readonly asked: number }
const server = fork(join(import.meta.dirname, 'records-server.ts'), [address])
await once(server, 'message')
const tell = async (breaks: readonly string[] = []): Promise<Counted> => {
  const answer = once(server, 'message')
  server.send({ breaks })
  return (await answer)[0] as Counted
}

const nameOf = (i: number): string => `mail/d${i}`
const expected = { spf: { include: [], addresses: ['192.0.2.0/28'] }, dmarc: { minimumPolicy: 'none' } } as const
const checks = new Map(
  Array.from({ length: domains }, (_, i) => {
    const domain = `d${i}.example`
    const wanted = recordsWanted(domain, expected, [{ selector: 's1', type: 'ed25519', publicKey: 'AAAA' }])
    const whenBroken = { action: 'Warn', graceMs: 0 } as const
    return [nameOf(i), { domain, wanted, resolvers: [], verifyEveryMs: everyMs, whenBroken, waiting: [] }] as const
  }),
)
const ending = new AbortController()
const verifier = new Verifier({
  ask: openAsking({ perSecond }),
  resolvers: () => [{ address, port: 53 }],
  before: () => undefined,
  changed: () => undefined,
  turned: () => undefined,
})
const found = (i: number) => verifier.look(nameOf(i))?.found
const count = (holds: (i: number) => boolean): number => Array.from(checks.keys()).filter((_, i) => holds(i)).length
const seconds = (ms: number): string => (ms / 1000).toFixed(1)
const cpuSeconds = (): number => {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1e6
}

let [begin, cpu] = [performance.now(), cpuSeconds()]
verifier.give(checks)
const running = verifier.run(ending.signal)
while (count((i) => found(i) !== undefined) < domains) await wait(500)
const first = await tell()
const wrong = count((i) => found(i)?.records.some((r) => r.state !== 'Match' || r.seen !== 'everywhere') ?? true)
console.log(`${domains} domains, at most ${perSecond} questions a second`)
console.log(
  `first looks: ${seconds(performance.now() - begin)} s, ${(first.asked / domains).toFixed(1)} questions a domain`,
)
console.log(`not in order: ${wrong}`)
console.log(`CPU: ${(((cpuSeconds() - cpu) / domains) * 1000).toFixed(2)} ms a look`)

await tell(Array.from({ length: toBreak }, (_, i) => `_dmarc.d${i}.example`))
;[begin, cpu] = [performance.now(), cpuSeconds()]
const noticed = new Map<number, number>()
while (noticed.size < toBreak) {
  for (let i = 0; i < toBreak; i += 1) {
    if (!noticed.has(i) && found(i)?.records.some(isBroken)) noticed.set(i, performance.now() - begin)
  }
  await wait(50)
}
const lasted = performance.now() - begin
const times = [...noticed.values()].toSorted((a, b) => a - b)
const last = await tell()
const looks = (last.asked - first.asked) / (first.asked / domains)
const longest = (12 * 1.25 * everyMs) / 1000
console.log(
  `${toBreak} records broken: noticed after ${seconds(times[Math.floor(toBreak / 2)] ?? 0)} s (median), ${seconds(times.at(-1) ?? 0)} s (last);`,
)
console.log(
  `  what is in order is looked at every ${(12 * everyMs) / 1000} to ${longest} s here; with spec.verifyEvery 5m, every 60 to 75 min`,
)
console.log(
  `meanwhile: ${(looks / (lasted / 1000)).toFixed(0)} looks a second, ${(((cpuSeconds() - cpu) / (lasted / 1000)) * 100).toFixed(0)} % of one core`,
)
console.log(`most questions in any one second: ${left.most} (bound ${perSecond})`)
console.log(`memory: ${(process.memoryUsage.rss() / 2 ** 20).toFixed(0)} MiB`)
ending.abort()
await running
server.disconnect()
process.exitCode = left.most <= perSecond && wrong === 0 ? 0 : 1
