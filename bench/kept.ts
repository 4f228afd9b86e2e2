/** Where programs that are fetched or built once are kept, for this user and the next runs of the bench. */
import { homedir } from 'node:os'
import { join } from 'node:path'

export const keptFolder = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'relayfleet-bench')
