/** What a person does about a file that could not be read or written, by the error of the system. */

const mends: readonly (readonly [RegExp, string])[] = [
  [/\bENOSPC\b|\bEDQUOT\b|disk is full/, 'free some space there'],
  [/\bEROFS\b|readonly/, 'the volume is read-only: mount it for writing'],
  [/\bEACCES\b|\bEPERM\b/, 'give this user the right to read and write there'],
]

/** The error's own words, and the mend where it is known. */
export function diskTrouble(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error)
  const mend = mends.find(([pattern]) => pattern.test(text))?.[1]
  return mend === undefined ? text : `${text}; ${mend}`
}
