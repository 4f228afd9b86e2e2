/** Postfix that signs as it mostly does: with opendkim beside it as a milter. */
import { spawn } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { freePort } from '../test/local/free-port.ts'
import { programFile } from '../test/local/programs.ts'
import { end, reachable } from '../test/local/receiver.ts'
import { senderDomain } from '../test/local/relay-process.ts'
import { until } from '../test/local/until.ts'
import type { TestKey } from '../test/relay/delivery/signing-keys.ts'
import type { Contender, Setting } from './contender.ts'
import { startPostfixWith } from './postfix.ts'

/** Signs once for each message: opendkim can make several signatures, but no widespread set-up does. */
export async function startPostfixWithOpendkim(setting: Setting, key: TestKey): Promise<Contender> {
  const folder = join(setting.folder, 'opendkim')
  mkdirSync(folder)
  const port = await freePort()
  const [keyFile, config] = [join(folder, 'key.pem'), join(folder, 'opendkim.conf')]
  writeFileSync(keyFile, key.pem, { mode: 0o600 })
  writeFileSync(
    config,
    [
      ...['Mode s', 'Background no', 'Syslog no', 'Canonicalization relaxed/relaxed', 'OversignHeaders From'],
      ...[`Domain ${senderDomain}`, `Selector ${key.config.selector}`, `KeyFile ${keyFile}`],
      ...[`Socket inet:${port}@127.0.0.1`, 'RequireSafeKeys no', ''],
    ].join('\n'),
  )
  const child = spawn(programFile('opendkim') ?? 'opendkim', ['-f', '-x', config], {
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  await until(`opendkim listens at ${port}`, () => reachable(port))
  try {
    const postfix = await startPostfixWith(setting, {
      smtpd_milters: `inet:127.0.0.1:${port}`,
      milter_default_action: 'tempfail',
    })
    return { ...postfix, stop: () => postfix.stop().finally(() => end(child)) }
  } catch (error) {
    await end(child)
    throw error
  }
}
