/** However much one sends, everybody else has a turn (case R15): the clock and the rounds of the event loop are ours here. */
import { expect, test } from 'vitest'
import { Acquaintances } from '../../../relay/inbound/acquaintances.ts'
import { type Owner, Turns } from '../../../relay/inbound/turns.ts'

const credential = (name: string): Owner => ({ rank: 'credential', name })
const known = (name: string): Owner => ({ rank: 'known', name })
const stranger = (name: string): Owner => ({ rank: 'stranger', name })

function stage() {
  let now = 0
  let ahead: (() => void) | undefined
  const done: string[] = []
  const turns = new Turns({
    now: () => now,
    soon: (round) => {
      ahead = round
    },
  })
  return {
    turns,
    done,
    /** Work that takes a millisecond. */
    send: (owner: Owner, what = owner.name, laterMs?: number): void =>
      turns.take(
        owner,
        () => {
          now += 1
          done.push(what)
        },
        laterMs,
      ),
    /** False when nobody asked for one. */
    round: (): boolean => {
      const round = ahead
      ahead = undefined
      round?.()
      return round !== undefined
    },
  }
}

test('while there is time, it is done at once', () => {
  const { send, done, turns } = stage()
  send(stranger('a'))
  send(credential('b'))
  expect([done, turns.waiting]).toEqual([['a', 'b'], 0])
})

test('beyond the time of a round it waits for the next, and then nobody comes before it', () => {
  const { send, done, round, turns } = stage()
  for (const name of ['a', 'b', 'c', 'd']) send(credential(name))
  expect(done).toEqual(['a', 'b'])
  expect(round()).toBe(true)
  expect([done, turns.waiting]).toEqual([['a', 'b', 'c', 'd'], 0])
  expect(round()).toBe(false)
  send(credential('e'))
  expect(done.at(-1)).toBe('e')
})

test('of a credential with a thousand pieces and one with one, the one is next (case R15)', () => {
  const { send, done, round } = stage()
  for (let n = 0; n < 1000; n += 1) send(credential('flood'))
  send(credential('modest'))
  round()
  expect(done.slice(2)).toEqual(['flood', 'modest'])
})

test('a thousand strangers take no more than their rank: who logged in waits for no more than one of each', () => {
  const { send, done, round } = stage()
  for (let n = 0; n < 1000; n += 1) send(stranger(`guesser ${n}`))
  send(known('an address'))
  send(credential('modest'))
  send(credential('modest'), 'modest again')
  for (let n = 0; n < 3; n += 1) round()
  const firstSix = done.slice(2, 8)
  expect(firstSix.filter((what) => what.startsWith('guesser')).length).toBeLessThanOrEqual(3)
  expect(firstSix).toEqual(expect.arrayContaining(['an address', 'modest', 'modest again']))
})

test('strangers have their turn whatever is sent by those who logged in, each address one', () => {
  const { send, done, round } = stage()
  for (let n = 0; n < 1000; n += 1) send(credential('flood'))
  for (let n = 0; n < 10; n += 1) send(stranger('many'))
  send(stranger('one'))
  for (let n = 0; n < 3; n += 1) round()
  expect(done.slice(2)).toEqual(expect.arrayContaining(['many', 'one']))
})

test('what it takes after it has returned counts: a round has few handshakes', () => {
  const { send, done, round } = stage()
  for (let n = 0; n < 10; n += 1) send(stranger(`hello ${n}`), `hello ${n}`, 1)
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

test('an address is known from its login until it is locked out, and 10,000 of them at most', () => {
  const acquaintances = new Acquaintances()
  acquaintances.loggedIn('192.0.2.1')
  acquaintances.loggedIn('192.0.2.2')
  acquaintances.lockedOut('192.0.2.2')
  expect([acquaintances.has('192.0.2.1'), acquaintances.has('192.0.2.2')]).toEqual([true, false])
  for (let n = 0; n < 10_000; n += 1) acquaintances.loggedIn(`2001:db8::${n}`)
  expect([acquaintances.has('192.0.2.1'), acquaintances.has('2001:db8::0')]).toEqual([false, true])
})
