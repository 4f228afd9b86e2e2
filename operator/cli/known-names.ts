/** For an error about a name that does not exist: which name may have been meant, or which there are. Pure. */
import { didYouMean } from '../../crds/did-you-mean.ts'
import { few } from '../few.ts'

/** `did you mean team-a/web?`, or `there is: …`. */
export function knownNames(name: string, known: readonly string[]): string {
  const near = didYouMean(name, known)
  return near === undefined ? `there is: ${few(known, ', ') || 'none'}` : `did you mean ${near}?`
}
