/** What a timer can hold. */

/** 24.8 days: a longer time would be over at once. */
export const longestTimerMs = 2 ** 31 - 1
