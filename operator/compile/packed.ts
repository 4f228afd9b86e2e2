/** Lists that ten thousand objects keep: one that grew by its elements has room for sixteen, and goes on to hold it. */

export const packed = <T>(grown: readonly T[]): readonly T[] => grown.slice()
