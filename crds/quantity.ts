/** Kubernetes quantities of bytes: `25Mi`, `10G`, `1000000`. */

const powers = { '': 0, k: 1, K: 1, M: 2, G: 3, T: 4 } as const

/** The bytes of a text that has a quantity's pattern; `Ki` counts in 1024, `k` in 1000. */
export function quantityBytes(text: string): number {
  const [, count, prefix, binary] = /^(\d+)([kKMGT]?)(i?)$/.exec(text) ?? []
  return Number(count) * (binary === 'i' ? 1024 : 1000) ** powers[(prefix ?? '') as keyof typeof powers]
}
