/** The median of some figures; of an even number of them, the upper one of the two in the middle. */

/** NaN if there are no figures. */
export const median = (figures: readonly number[]): number =>
  figures.toSorted((a, b) => a - b)[figures.length >> 1] ?? Number.NaN
