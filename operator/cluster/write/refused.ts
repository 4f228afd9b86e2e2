/** What the API server refuses, in words for people: whether it lasts, and what to do about it. Pure. */
import { isConflict, isTransient } from '../api/api-error.ts'

/** Where the next try is sooner than this, the trouble may pass by itself. */
export const patienceMs = 4000

/** Whether a person has to do something about it. `waitMs`: until the next try, which grows with each failure. */
export function lasts(error: unknown, waitMs: number): boolean {
  if (isConflict(error)) return false
  // A webhook that does not answer is told as an error of the server (500), which would be transient.
  return !isTransient(error) || (waitMs >= patienceMs && /failed calling webhook/.test(String(error)))
}

export const whyOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

/** The most letters of what an API server says; its messages may be long, and a status is short. */
const longest = 400

export const briefly = (said: string): string => (said.length > longest ? `${said.slice(0, longest)}…` : said)

const mends: readonly (readonly [when: RegExp, mend: string])[] = [
  [/is still being deleted/, 'see whether its metadata.finalizers hold it back'],
  [/exceeded quota/, 'raise the quota, or make room in the namespace'],
  [/admission webhook|failed calling webhook/, 'see to that webhook: it lets nothing of ours be written'],
  [/ValidatingAdmissionPolicy/, 'that policy has to let the operator write what carries its label'],
  [
    /immutable when `immutable` is set/,
    'replace it by itself without `immutable` (kubectl get -o yaml, take that line out, kubectl replace --force), and start ' +
      'pods that have it anew, since a kubelet keeps an immutable one',
  ],
  [/cannot (create|patch|delete|get) resource/, "give the operator's account that right; the chart's roles have it"],
]

/** What to do about an error with this message; undefined where that is not known. */
export const mendOf = (said: string): string | undefined => mends.find(([when]) => when.test(said))?.[1]

/** The message with what to do about it. */
export const withMend = (why: string): string => `${why}; ${mendOf(why) ?? 'mend what is refused'}; it is tried again`
