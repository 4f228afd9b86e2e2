/** The longest time that setTimeout can take. */

/** 24.8 days; with a longer time Node calls back at once. */
export const longestTimerMs = 2 ** 31 - 1
