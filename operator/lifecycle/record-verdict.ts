/** What one server's answers say of a record that is wanted. */
import type { Question } from './answer.ts'

/** `Unknown`: nobody answered so far. `Leftover`: it has to go, and is there. */
export const recordStates = ['Match', 'Missing', 'Mismatch', 'Duplicate', 'Leftover', 'Unknown'] as const
export type RecordState = (typeof recordStates)[number]

export type RecordVerdict =
  | { readonly is: 'asks'; readonly questions: readonly Question[] }
  | {
      readonly is: 'verdict'
      readonly state: RecordState
      /** The whole value that would be right; empty where none is. */
      readonly want: string
      /** What is there. */
      readonly got?: string
      /** What is wrong and how to mend it; empty where nothing is. */
      readonly why: string
      /** What is not wrong, and could be better. */
      readonly notes: readonly string[]
    }

type Found = Omit<Extract<RecordVerdict, { is: 'verdict' }>, 'is' | 'notes'> & { readonly notes?: readonly string[] }

export const verdict = (found: Found): RecordVerdict => ({ is: 'verdict', notes: [], ...found })

const longestShown = 1024
const mostShown = 3

/** What is there, for a status: a few of many, without controls, and not without end. */
export function shown(texts: readonly string[]): string {
  const rest = texts.length > mostShown ? ` and ${texts.length - mostShown} more` : ''
  const all = texts
    .slice(0, mostShown)
    .join(' | ')
    .replaceAll(/[^ -~]/g, '?')
  return `${all.length > longestShown ? `${all.slice(0, longestShown)}…` : all}${rest}`
}
