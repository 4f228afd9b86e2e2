/** Of which version of relayfleet this program is. */
import packageJson from '../package.json' with { type: 'json' }

export const { version } = packageJson
