/** Marks on a few of very many handles: what is not marked takes no room. */
import type { Marks } from './parked.ts'

export class FewMarks implements Marks {
  readonly #marked = new Map<number, number>()

  get(handle: number): number {
    return this.#marked.get(handle) ?? 0
  }

  set(handle: number, mark: number): void {
    if (mark === 0) this.#marked.delete(handle)
    else this.#marked.set(handle, mark)
  }
}
