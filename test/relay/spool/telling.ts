/** What a spool tells of trouble, as facts that a process which is to be killed prints; a fault that is over is an empty one. */
import type { JournalSpool } from '../../../relay/spool/journal-spool.ts'

export type Trouble = { readonly quarantined: string } | { readonly fault: string }

const silent = (): void => {}

export const tellingTrouble = (
  tell: (trouble: Trouble) => void,
): Parameters<typeof JournalSpool.open>[0]['events'] => ({
  committed: silent,
  forgotten: silent,
  notDeleted: silent,
  notStored: silent,
  recovered: silent,
  quarantined: (file, why) => tell({ quarantined: `${file}: ${why}` }),
  spoolFault: (why) => tell({ fault: why }),
  spoolRecovered: () => tell({ fault: '' }),
})
