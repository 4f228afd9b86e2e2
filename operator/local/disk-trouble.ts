/** Adds to a file system error what a person can do about it. */

const mends: readonly (readonly [RegExp, string])[] = [
  [/\bENOSPC\b|\bEDQUOT\b|disk is full/, 'free some space there'],
  [/\bEROFS\b|readonly/, 'the volume is read-only: mount it for writing'],
  [/\bEIO\b/, 'the disk fails: the log of the kernel says more (dmesg)'],
  [/\bE[MN]FILE\b/, 'raise the limit of open files (ulimit -n)'],
  [/\bEACCES\b|\bEPERM\b/, 'give this user the right to read and write there'],
]

/** The error's own message, and how to mend it where that is known. */
export function diskTrouble(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error)
  const mend = mends.find(([pattern]) => pattern.test(text))?.[1]
  return mend === undefined ? text : `${text}; ${mend}`
}
