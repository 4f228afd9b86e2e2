/** However much one sends, everybody else has a turn (case R15): the clock and the rounds of the event loop are ours here. */
import { expect, test } from 'vitest'
import { type Owner, roundMs, Turns } from '../../relay/turns.ts'

const credential = (name: string): Owner => ({ rank: 'credential', name })
const known = (name: string): Owner => ({ rank: 'known', name })
const stranger = (name: string): Owner => ({ rank: 'stranger', name })
const delivery = (name: string): Owner => ({ rank: 'delivery', name })

/** A round of a relay that is shared has time for two of these. */
const pieceMs = roundMs.shared / 2

function stage() {
  let now = 0
  let ahead: (() => void) | undefined
  const done: string[] = []
  const turns = new Turns({
    now: () => now,
    soon: (round) => {
      // Two of them would have twice the time of one, and nobody who came meanwhile is seen in between.
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
  /** False when nobody asked for one. */
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
    /** Two were here already. */
    share: (): void => {
      for (const name of ['x', 'y']) send(credential(name))
      round()
      done.length = 0
    },
  }
}

test('while there is time, it is done at once', () => {
  const { send, done } = stage()
  send(stranger('a'))
  send(credential('b'))
  expect(done).toEqual(['a', 'b'])
})

test('beyond the time of a round it waits for the next, and then nobody comes before it', () => {
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

test('who is alone has long rounds; from the first piece of another one on they are short, for ten seconds (case R15)', () => {
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

test('neither what is sent on nor a connection to log in on is another credential: rounds stay long', async () => {
  const { send, done, turns, round } = stage()
  for (let n = 0; n < 100; n += 1) send(credential('flood'))
  await turns.turn(delivery('modest'), 1)
  send(known('an address'))
  const before = done.length
  round()
  expect(done.length - before).toBe(roundMs.alone / pieceMs)
})

test('of a credential with a thousand pieces and one with one, the one is next (case R15)', () => {
  const { send, done, round } = stage()
  for (let n = 0; n < 1000; n += 1) send(credential('flood'))
  done.length = 0
  send(credential('modest'))
  round()
  expect(done).toEqual(['flood', 'modest'])
})

test('an answer and an attempt have their turn, too: what one write of the disk made ours does not come all at once (case R15)', async () => {
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

test('a thousand strangers take no more than their rank: who logged in waits for no more than one of each', () => {
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

test('ranks share the time, not the number: behind a handshake, who logged in has as much before the next', () => {
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

test('a rank that was idle has saved nothing up', () => {
  const { send, done, round, share } = stage()
  share()
  for (let n = 0; n < 100; n += 1) send(credential('flood'))
  for (let n = 0; n < 10; n += 1) round()
  done.length = 0
  for (let n = 0; n < 100; n += 1) send(stranger('late'))
  for (let n = 0; n < 5; n += 1) round()
  expect(done.filter((what) => what === 'flood').length).toBeGreaterThanOrEqual(4)
})

test('where a piece is a whole round, and another stranger comes each time, either rank has every other one', () => {
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

test('strangers have their turn whatever is sent by those who logged in, each address one', () => {
  const { send, done, round } = stage()
  for (let n = 0; n < 1000; n += 1) send(credential('flood'))
  done.length = 0
  for (let n = 0; n < 10; n += 1) send(stranger('many'))
  send(stranger('one'))
  for (let n = 0; n < 3; n += 1) round()
  expect(done).toEqual(expect.arrayContaining(['many', 'one']))
})

test('what it takes after it has returned counts: a round has few handshakes', () => {
  const { send, done, round, share } = stage()
  share()
  for (let n = 0; n < 10; n += 1) send(stranger(`hello ${n}`), `hello ${n}`, pieceMs)
  expect(done).toHaveLength(1)
  round()
  expect(done).toHaveLength(2)
})

test('everything is done, each owner in its own order', () => {
  const { send, done, round } = stage()
  for (let n = 0; n < 300; n += 1) send(n % 3 === 0 ? stranger('x') : credential(`c${n % 7}`), `${n}`)
  for (let rounds = 0; round(); rounds += 1) expect(rounds).toBeLessThan(300)
  expect(done.map(Number).toSorted((a, b) => a - b)).toEqual(Array.from({ length: 300 }, (_, n) => n))
  const ofX = done.map(Number).filter((n) => n % 3 === 0)
  expect(ofX).toEqual(ofX.toSorted((a, b) => a - b))
})
