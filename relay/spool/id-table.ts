/** Queue ids and the handles that stand for them: 28 octets for each, where a Map of strings takes over a hundred. */
import { Column } from './column.ts'

/** A queue id has 16 characters at most; shorter ones are filled up with zeros. */
const wordsPerId = 4
const firstPlaces = 2048

/** The numbers from 0 on, each standing for one queue id; one that was freed is given out again. */
export class IdTable {
  readonly #words = new Column('words')
  /** A hash table: handle + 1 at the place that the id's hash gives, or at the next that was free; 0 where the place is free. */
  #places = new Int32Array(firstPlaces)
  /** Handle + 1 of the one that was freed last, or 0; each freed one holds the one before it, in its second word. */
  #free = 0
  #top = 0
  #size = 0
  readonly #key = new Uint32Array(wordsPerId)

  get size(): number {
    return this.#size
  }

  /** Every handle that is in use is below. */
  get top(): number {
    return this.#top
  }

  has(handle: number): boolean {
    return handle < this.#top && this.#words.get(wordsPerId * handle) !== 0
  }

  idOf(handle: number): string {
    let id = ''
    for (let i = 0; i < 4 * wordsPerId; i += 1) {
      const octet = (this.#words.get(wordsPerId * handle + (i >> 2)) >>> (8 * (i & 3))) & 0xff
      if (octet === 0) break
      id += String.fromCharCode(octet)
    }
    return id
  }

  find(queueId: string): number | undefined {
    this.#takeKey(queueId)
    const handle = this.#at(this.#placeOfKey()) - 1
    return handle < 0 ? undefined : handle
  }

  /** The id must not be there. */
  add(queueId: string): number {
    if (2 * (this.#size + 1) > this.#places.length) this.#grow()
    this.#takeKey(queueId)
    const handle = this.#takeHandle()
    for (let i = 0; i < wordsPerId; i += 1) this.#words.set(wordsPerId * handle + i, this.#key[i] ?? 0)
    this.#places[this.#placeOfKey()] = handle + 1
    this.#size += 1
    return handle
  }

  delete(handle: number): void {
    this.#takeKeyOf(handle)
    this.#close(this.#placeOfKey())
    const first = wordsPerId * handle
    this.#words.set(first, 0)
    this.#words.set(first + 1, this.#free)
    this.#free = handle + 1
    this.#size -= 1
  }

  #takeHandle(): number {
    if (this.#free === 0) return this.#top++
    const handle = this.#free - 1
    this.#free = this.#words.get(wordsPerId * handle + 1)
    return handle
  }

  #takeKey(queueId: string): void {
    for (let word = 0; word < wordsPerId; word += 1) {
      const end = Math.min(4 * word + 4, queueId.length)
      let octets = 0
      for (let i = 4 * word; i < end; i += 1) octets |= queueId.charCodeAt(i) << (8 * (i & 3))
      this.#key[word] = octets
    }
  }

  #takeKeyOf(handle: number): void {
    const first = wordsPerId * handle
    for (let i = 0; i < wordsPerId; i += 1) this.#key[i] = this.#words.get(first + i)
  }

  #at(place: number): number {
    return this.#places[place] ?? 0
  }

  #hash(): number {
    let hash = 0x811c9dc5
    for (let i = 0; i < wordsPerId; i += 1) {
      hash = Math.imul(hash ^ (this.#key[i] ?? 0), 0x85ebca6b)
      hash ^= hash >>> 15
    }
    return hash & (this.#places.length - 1)
  }

  /** Where the key is, or the free place where it would be put. */
  #placeOfKey(): number {
    let place = this.#hash()
    for (let there = this.#at(place); there !== 0 && !this.#isKey(there - 1); there = this.#at(place)) {
      place = (place + 1) & (this.#places.length - 1)
    }
    return place
  }

  #isKey(handle: number): boolean {
    const first = wordsPerId * handle
    for (let i = 0; i < wordsPerId; i += 1) if (this.#words.get(first + i) !== this.#key[i]) return false
    return true
  }

  /** Entries behind the gap move into it where they may, since a search ends at the first free place. */
  #close(gap: number): void {
    const mask = this.#places.length - 1
    let open = gap
    for (let place = (gap + 1) & mask; this.#at(place) !== 0; place = (place + 1) & mask) {
      this.#takeKeyOf(this.#at(place) - 1)
      if (((place - this.#hash()) & mask) < ((place - open) & mask)) continue
      this.#places[open] = this.#at(place)
      open = place
    }
    this.#places[open] = 0
  }

  #grow(): void {
    this.#places = new Int32Array(2 * this.#places.length)
    for (let handle = 0; handle < this.#top; handle += 1) {
      if (!this.has(handle)) continue
      this.#takeKeyOf(handle)
      this.#places[this.#placeOfKey()] = handle + 1
    }
  }
}
