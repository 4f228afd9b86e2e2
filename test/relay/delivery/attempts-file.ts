/** Reads the file of open attempts as a test sees it: the queue ids in it, in the order of their lines. */
import { readFileSync } from 'node:fs'

export const idsIn = (path: string): readonly string[] =>
  readFileSync(path, 'latin1')
    .split('\n')
    .map((line) => line.trim())
    .filter((id) => id !== '')
