/** An idle store is asked each second whether it is there and has lost nothing; what it answers otherwise counts as away. */
import { type AddressInfo, createServer } from 'node:net'
import { expect, onTestFinished, test, vi } from 'vitest'
import { noAnswer } from '../../../relay/limits/quota-script.ts'
import { QuotaStore } from '../../../relay/limits/quota-store.ts'
import { until } from '../../local/until.ts'

const day = 20_000
const lines = (...said: readonly string[]): string => said.map((one) => `${one}\r\n`).join('')
const beatOf = (epoch: string): string => lines('*2', '$5', `${day}`, `$${epoch.length}`, epoch)
const proofFor = (nonce: string): string =>
  lines('*8', `+${nonce}`, `:${day}`, '+epoch', ':1000', '+0', '+0', '+0', '*1', '+yes')

/** The words of the command in these octets, of which each comes in one piece here. */
const wordsIn = (octets: string): readonly string[] => octets.split('\r\n').filter((word) => !/^([*$]\d+)?$/.test(word))

/** A store that answers its beats so, and the question by which it is found out whether it can write. */
async function beating(beat: (time: number) => string | undefined, timeoutMs = 20_000) {
  const counts = { beats: 0, connections: 0 }
  const answerTo = (command: string): string | undefined => {
    const words = wordsIn(command)
    if (words[0] === 'HMGET') return beat(counts.beats++)
    return words[0] === 'EVALSHA' ? proofFor(words[5] ?? '') : '+OK\r\n'
  }
  const server = createServer((socket) => {
    counts.connections += 1
    socket.on('error', () => {})
    socket.on('data', (octets) => {
      for (const command of String(octets).split(/(?=\*\d+\r\n)/)) socket.write(answerTo(command) ?? '')
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const told: string[] = []
  const store = new QuotaStore({
    target: { host: '127.0.0.1', port: (server.address() as AddressInfo).port, database: 0 },
    policy: 'mail/shared',
    timeoutMs,
    changed: (state) => void told.push(state.kind === 'away' ? `away: ${state.why}` : state.kind),
    forgot: () => void told.push('forgot'),
  })
  onTestFinished(() => {
    store.close()
    server.close()
  })
  return { told, counts }
}

const isAway = (told: readonly string[]): boolean => told.some((one) => one.startsWith('away'))
const aTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

test.each([
  ['answers its first beat with nonsense', () => '+what\r\n', 20_000, `away: ${noAnswer}`],
  ['says more at its first beat than it was asked', () => `${beatOf('epoch')}+more\r\n`, 20_000, `away: ${noAnswer}`],
  ['is silent at its first beat', () => undefined, 50, 'away: no answer within 50 ms'],
])('a store that %s was never there', async (_what, beat, timeoutMs, why) => {
  const { told } = await beating(beat, timeoutMs)
  await until('it is away', () => isAway(told))
  await aTurn()
  expect(told.slice(0, 1)).toEqual([why])
  expect(told).not.toContain('connected')
})

test.each<[string, string, string]>([
  ['nonsense', '+what\r\n', noAnswer],
  ['a list that is too long', lines('*3', '$-1', '$-1', '$-1'), noAnswer],
  ['an error', '-LOADING it is not there yet\r\n', 'it says LOADING'],
])('a store that answers a later beat with %s is away from then on', async (_what, said, why) => {
  const { told } = await beating((time) => (time === 0 ? beatOf('epoch') : said))
  await until('it is away', () => isAway(told))
  expect(told.slice(0, 3)).toEqual(['connected', 'forgot', `away: ${why}`])
})

test('a beat with another epoch on the same day tells that the store has forgotten, and it is asked again each second', async () => {
  const { told, counts } = await beating((time) => beatOf(time < 2 ? 'epoch' : 'other'))
  await until('it is asked again and again', () => counts.beats >= 4)
  expect(told).toEqual(['connected', 'forgot', 'forgot'])
  expect(counts.connections).toBe(1)
})

test('a beat whose connection is over by the time that its answer is read counts for nothing', async () => {
  const more = '+more than was asked\r\n'
  const { told } = await beating((time) => (time === 0 ? beatOf('epoch') : beatOf('other') + more))
  await until('it is away', () => isAway(told))
  await aTurn()
  expect(told).toEqual(['connected', 'forgot', `away: ${noAnswer}`])
})

test('a store that answers only now and then is asked less and less often, and after ten steady seconds as soon as at first', async () => {
  const pauses: number[] = []
  const later = globalThis.setTimeout
  // The longest time to connect, between beats and for an answer: all other timers of the store are its pauses.
  const others = [2000, 1000, 20_000]
  let clock = 0
  vi.spyOn(Math, 'random').mockReturnValue(1)
  vi.spyOn(performance, 'now').mockImplementation(() => clock)
  // Pauses and the seconds between beats are over at once.
  vi.spyOn(globalThis, 'setTimeout').mockImplementation(((act: () => void, ms = 0) => {
    if (ms >= 100 && !others.includes(ms)) pauses.push(ms)
    return later(act, ms === 2000 || ms === 20_000 ? ms : 1)
  }) as typeof setTimeout)
  onTestFinished(() => {
    vi.restoreAllMocks()
  })
  // How many beats each connection answers, a second apart.
  const lives = [...Array<number>(9).fill(1), 12, 1]
  let answered = 0
  await beating(() => {
    clock += 1000
    if (answered++ < (lives[0] ?? 1)) return beatOf('epoch')
    answered = 0
    lives.shift()
    return '+what\r\n'
  })
  // The clock that it goes by is the mocked one.
  await until('all connections are over', () => pauses.length >= 11, 600_000)
  expect(pauses.slice(0, 11)).toEqual([100, 200, 400, 800, 1600, 3200, 6400, 10_000, 10_000, 100, 200])
})
