/** Who takes part in the full bench, and how each program is got onto this machine. */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import packageJson from '../package.json' with { type: 'json' }
import { missingPackages, programFile } from '../test/local/programs.ts'
import type { Contender, Setting } from './contender.ts'
import { eximVersion, startExim, unpackExim } from './exim.ts'
import { harakaVersion, installHaraka, startHaraka } from './haraka.ts'
import { buildMaddy, maddyVersion, startMaddy } from './maddy.ts'
import { startPostfix } from './postfix.ts'
import { startRelayfleet } from './relayfleet.ts'

export type Start = (setting: Setting) => Promise<Contender>

type Contestant = {
  readonly name: string
  readonly version: () => string
  /** @throws Error with the reason why it can not take part here. */
  readonly ready: (folder: string) => Start
}

export const contestants: readonly Contestant[] = [
  { name: 'Relayfleet', version: () => packageJson.version, ready: () => startRelayfleet },
  { name: 'Postfix', version: () => postfixVersion(), ready: () => postfixOfDebian() },
  {
    name: 'Haraka',
    version: () => harakaVersion,
    ready: (folder) => {
      const installed = join(folder, 'haraka')
      installHaraka(installed)
      return startHaraka(installed)
    },
  },
  { name: 'Exim', version: eximVersion, ready: () => startExim(unpackExim()) },
  { name: 'maddy', version: () => maddyVersion.slice(1), ready: () => startMaddy(buildMaddy()) },
]

function postfixOfDebian(): Start {
  const missing = missingPackages('postfix', 'saslpasswd2')
  if (missing.length > 0) throw new Error(`packages are missing: apt-get install ${missing.join(' ')}`)
  if (process.getuid?.() !== 0) throw new Error('Postfix changes users, so it has to be started by root')
  return startPostfix
}

const postfixVersion = (): string =>
  (
    spawnSync(programFile('postconf') ?? 'postconf', ['-d', '-h', 'mail_version'], { encoding: 'utf8' }).stdout ?? ''
  ).trim()
