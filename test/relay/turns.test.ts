/** However much one client sends, everybody else has a turn (case R15); the clock and the rounds of the event loop are simulated. */
import { expect, test } from 'vitest'
import { type Owner, roundMs, Turns } from '../../relay/turns.ts'

const credential = (name: string): Owner => ({ rank: 'credential', name })
const known = (name: string): Owner => ({ rank: 'known', name })
const stranger = (name: string): Owner => ({ rank: 'stranger', name })
const delivery = (name: string): Owner => ({ rank: 'delivery', name })

/** How long a piece of work takes: a round of a relay that several credentials share has time for two pieces. */
const pieceMs = roundMs.shared / 2

function stage() {
  let now = 0
  let ahead: (() => void) | undefined
  const done: string[] = []
  const turns = new Turns({
    now: () => now,
    soon: (round) => {
      // Two rounds ahead would have twice the time of one, and nobody who came meanwhile would be seen between them.
      expect(ahead).toBeUndefined()
      ahead = round
    },
  })
  const send = (owner: Owner, what = owner.name, laterMs?: number): void =>
    turns.take(
      owner,
      () => {
        now += pieceMs
        done.push(what)
      },
      laterMs,
    )
  /** Begins the round that was asked for; false when none was. */
  const round = (): boolean => {
    const due = ahead
    ahead = undefined
    due?.()
    return due !== undefined
  }
  return {
    turns,
    done,
    send,
    round,
    pass: (ms: number): void => {
      now += ms
    },
    /** Makes the relay one that two credentials share already. */
    share: (): void => {
      for (const name of ['x', 'y']) send(credential(name))
      round()
      done.length = 0
    },
  }
}

test('while its round has time, a piece of work is done at once', () => {
  const { send, done } = stage()
  send(stranger('a'))
  send(credential('b'))
  expect(done).toEqual(['a', 'b'])
})

test('work beyond the time of a round waits for the next round, and nothing that comes later is done before it', () => {
  const { send, done, round, share } = stage()
  share()
  for (const name of ['a', 'b', 'c', 'd']) send(credential(name))
  expect(done).toEqual(['a', 'b'])
  expect(round()).toBe(true)
  expect(done).toEqual(['a', 'b', 'c', 'd'])
  expect(round()).toBe(false)
  send(credential('e'))
  expect(done.at(-1)).toBe('e')
})

test('a credential that is alone has long rounds; from the first piece of another credential on rounds are short, for ten seconds (case R15)', () => {
  const { send, done, round, pass } = stage()
  const inARound = (): number => {
    const before = done.length
    round()
    return done.length - before
  }
  const long = roundMs.alone / pieceMs
  for (let n = 0; n < 10 * long; n += 1) send(credential('flood'))
  expect(done).toHaveLength(long)
  expect(inARound()).toBe(long)
  send(credential('modest'))
  expect(inARound()).toBe(2)
  pass(5000)
  send(credential('flood'))
  expect(inARound()).toBe(2)
  pass(10_000)
  expect(inARound()).toBe(long)
})

test('neither a delivery attempt nor a client that has not logged in yet counts as another credential: rounds stay long', async () => {
  const { send, done, turns, round } = stage()
  for (let n = 0; n < 100; n += 1) send(credential('flood'))
  await turns.turn(delivery('modest'), 1)
  send(known('an address'))
  const before = done.length
  round()
  expect(done.length - before).toBe(roundMs.alone / pieceMs)
})

test('beside a credential with a thousand pieces of work, the only piece of another one is done in the next round (case R15)', () => {
  const { send, done, round } = stage()
  for (let n = 0; n < 1000; n += 1) send(credential('flood'))
  done.length = 0
  send(credential('modest'))
  round()
  expect(done).toEqual(['flood', 'modest'])
})

test('replies and delivery attempts have their turns, too: those of all messages that one sync made ours do not come at once (case R15)', async () => {
  const { send, done, turns, round, share } = stage()
  share()
  for (let n = 0; n < 100; n += 1) {
    void turns.turn(credential('flood'), pieceMs)?.then(() => done.push('answer'))
    void turns.turn(delivery('flood'), pieceMs)?.then(() => done.push('attempt'))
  }
  send(credential('modest'))
  for (let n = 0; n < 3; n += 1) {
    round()
    await Promise.resolve()
  }
  expect(done).toContain('modest')
  expect(done.filter((what) => what === 'attempt').length).toBeGreaterThan(0)
  expect(done.length).toBeLessThanOrEqual(8)
})

test('a thousand strangers together take no more turns than their rank has: a known address and a credential have theirs among the first six', () => {
  const { send, done, round, share } = stage()
  share()
  for (let n = 0; n < 1000; n += 1) send(stranger(`guesser ${n}`))
  done.length = 0
  send(known('an address'))
  send(credential('modest'))
  send(credential('modest'), 'modest again')
  for (let n = 0; n < 3; n += 1) round()
  const firstSix = done.slice(0, 6)
  expect(firstSix.filter((what) => what.startsWith('guesser')).length).toBeLessThanOrEqual(3)
  expect(firstSix).toEqual(expect.arrayContaining(['an address', 'modest', 'modest again']))
})

test('ranks share the time and not the number of turns: between two handshakes of strangers, a credential has as much time as a handshake took', () => {
  const { send, done, round, share } = stage()
  share()
  for (let n = 0; n < 100; n += 1) send(credential('flood'))
  for (let n = 0; n < 10; n += 1) send(stranger(`hello ${n}`), `hello ${n}`, 9 * pieceMs)
  done.length = 0
  for (let n = 0; n < 20; n += 1) round()
  const places = done.flatMap((what, place) => (what.startsWith('hello') ? [place] : []))
  expect(places.length).toBeGreaterThan(2)
  const between = places.slice(1).map((place, n) => place - (places[n] ?? 0) - 1)
  for (const pieces of between) expect(Math.abs(pieces - 10)).toBeLessThanOrEqual(1)
})

test('a rank that was idle has saved up no time', () => {
  const { send, done, round, share } = stage()
  share()
  for (let n = 0; n < 100; n += 1) send(credential('flood'))
  for (let n = 0; n < 10; n += 1) round()
  done.length = 0
  for (let n = 0; n < 100; n += 1) send(stranger('late'))
  for (let n = 0; n < 5; n += 1) round()
  expect(done.filter((what) => what === 'flood').length).toBeGreaterThanOrEqual(4)
})

test('where a piece of work takes a whole round and another stranger comes in each, strangers and credentials have every other round', () => {
  const { send, done, round, share } = stage()
  share()
  for (let n = 0; n < 100; n += 1) send(credential('flood'), 'flood', roundMs.shared)
  for (let n = 0; n < 20; n += 1) round()
  done.length = 0
  for (let n = 0; n < 20; n += 1) {
    send(stranger(`hello ${n}`), 'hello', roundMs.shared)
    round()
  }
  expect(done).toHaveLength(20)
  expect(done.filter((what) => what === 'flood')).toHaveLength(10)
})

test('a rank in whose work the process was stopped for a minute does not wait for as long as that afterwards (case R15)', () => {
  const { turns, send, done, round, share, pass } = stage()
  share()
  for (let n = 0; n < 20_000; n += 1) send(stranger(`guesser ${n % 1000}`))
  turns.take(credential('flood'), () => pass(60_000))
  send(credential('modest'))
  done.length = 0
  while (!done.includes('modest')) round()
  expect(done.length).toBeLessThan(5000)
})

test('strangers have their turns whatever credentials send, and each address of strangers has its own', () => {
  const { send, done, round } = stage()
  for (let n = 0; n < 1000; n += 1) send(credential('flood'))
  done.length = 0
  for (let n = 0; n < 10; n += 1) send(stranger('many'))
  send(stranger('one'))
  for (let n = 0; n < 3; n += 1) round()
  expect(done).toEqual(expect.arrayContaining(['many', 'one']))
})

test('the time that work takes after its call has returned counts, too: few handshakes begin in a round', () => {
  const { send, done, round, share } = stage()
  share()
  for (let n = 0; n < 10; n += 1) send(stranger(`hello ${n}`), `hello ${n}`, pieceMs)
  expect(done).toHaveLength(1)
  round()
  expect(done).toHaveLength(2)
})

test('all work is done, that of each owner in its own order', () => {
  const { send, done, round } = stage()
  for (let n = 0; n < 300; n += 1) send(n % 3 === 0 ? stranger('x') : credential(`c${n % 7}`), `${n}`)
  for (let rounds = 0; round(); rounds += 1) expect(rounds).toBeLessThan(300)
  expect(done.map(Number).toSorted((a, b) => a - b)).toEqual(Array.from({ length: 300 }, (_, n) => n))
  const ofX = done.map(Number).filter((n) => n % 3 === 0)
  expect(ofX).toEqual(ofX.toSorted((a, b) => a - b))
})
