/** Quantiles of a few measurements. */

/** The smallest value that at least a share `q` (0 to 1) of all values do not exceed; NaN without values. */
export const quantile = (values: readonly number[], q: number): number =>
  values.toSorted((a, b) => a - b)[Math.max(0, Math.ceil(values.length * q) - 1)] ?? Number.NaN
