/** The verdict on one wanted record by one server's answers. */
import type { Question } from './answer.ts'

/** `Unknown`: the server has not answered. `Leftover`: the record should be gone, and is still there. */
export const recordStates = ['Match', 'Missing', 'Mismatch', 'Duplicate', 'Leftover', 'Unknown'] as const
export type RecordState = (typeof recordStates)[number]

export type RecordVerdict =
  | { readonly is: 'asks'; readonly questions: readonly Question[] }
  | {
      readonly is: 'verdict'
      readonly state: RecordState
      /** The whole value that the record should have; empty where it should not exist. */
      readonly want: string
      /** What the server shows. */
      readonly got?: string
      /** What is wrong and how to mend it; empty where nothing is. */
      readonly why: string
      /** Hints on what is not wrong but could be better. */
      readonly notes: readonly string[]
    }

type Found = Omit<Extract<RecordVerdict, { is: 'verdict' }>, 'is' | 'notes'> & { readonly notes?: readonly string[] }

export const verdict = (found: Found): RecordVerdict => ({ is: 'verdict', notes: [], ...found })

const longestShown = 1024
const mostShown = 3

/** Texts for a status: at most a few of them, without control characters, and bounded in length. */
export function shown(texts: readonly string[]): string {
  const rest = texts.length > mostShown ? ` and ${texts.length - mostShown} more` : ''
  const all = texts
    .slice(0, mostShown)
    .join(' | ')
    .replaceAll(/[^ -~]/g, '?')
  return `${all.length > longestShown ? `${all.slice(0, longestShown)}…` : all}${rest}`
}
