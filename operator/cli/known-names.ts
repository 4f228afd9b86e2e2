/** What a person is told who names something that is not there: what it may have been. Pure. */
import { didYouMean } from '../../crds/did-you-mean.ts'
import { few } from '../few.ts'

/** `did you mean team-a/web?`, or what there is instead. */
export function knownNames(name: string, known: readonly string[]): string {
  const near = didYouMean(name, known)
  return near === undefined ? `there is: ${few(known, ', ') || 'none'}` : `did you mean ${near}?`
}
