/** Which DSNs of a journal report on which messages, also DSNs that have left since: noted while it is read, looked at afterwards. */
import { Column } from './column.ts'
import { IdTable } from './id-table.ts'
import { Numbered } from './numbered.ts'
import { Rows } from './rows.ts'
import type { Place } from './segment.ts'

export class Reports {
  readonly #dsns = new IdTable()
  readonly #originals = new IdTable()
  /** By the DSN's handle. */
  readonly #places = new Rows(new Numbered())
  readonly #original = new Column('words')

  note(dsn: string, original: string, place: Place): void {
    const handle = this.#dsns.find(dsn) ?? this.#dsns.add(dsn)
    this.#places.set(handle, place)
    this.#original.set(handle, this.#originals.find(original) ?? this.#originals.add(original))
  }

  /** The DSN was refused, and reports nothing. */
  void(dsn: string): void {
    const handle = this.#dsns.find(dsn)
    if (handle !== undefined) this.#dsns.delete(handle)
  }

  /** Messages, and the DSNs that report on them with where their records lie. */
  *all(): Iterable<{ readonly original: string; readonly dsn: string; readonly place: Place }> {
    for (let handle = 0; handle < this.#dsns.top; handle += 1) {
      const place = this.#dsns.has(handle) ? this.#places.get(handle) : undefined
      if (place === undefined) continue
      yield { original: this.#originals.idOf(this.#original.get(handle)), dsn: this.#dsns.idOf(handle), place }
    }
  }
}
