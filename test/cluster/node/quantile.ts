/** Quantiles of a few measurements. */

/** The smallest value that at least `q` of all are not above. */
export const quantile = (values: readonly number[], q: number): number =>
  values.toSorted((a, b) => a - b)[Math.max(0, Math.ceil(values.length * q) - 1)] ?? Number.NaN
