/** What is fetched or built once for this user, and kept for the next run of the bench. */
import { homedir } from 'node:os'
import { join } from 'node:path'

export const keptFolder = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'relayfleet-bench')
