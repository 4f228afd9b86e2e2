/** A domain whose records are broken refuses its mail, from the name server over local mode to a submission, until the records are mended. */
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { runLocal } from '../../../operator/local/local-mode.ts'
import { stateAt } from '../../../operator/local/state.ts'
import { readStatuses } from '../../../operator/local/status-file.ts'
import { asRoot } from '../../local/as-root.ts'
import { freePort } from '../../local/free-port.ts'
import { temporaryFolder } from '../../local/temporary.ts'
import { until } from '../../local/until.ts'
import { commanded } from '../cli/commanded.ts'
import { startZoneServer, type Table, txt } from '../dns/zone-server.ts'
import { credential, domain, policy, writeYaml } from './yaml.ts'

/** An address for this run alone, since a resolver has to be on port 53. */
const address = `127.56.${process.pid % 250}.${(process.pid >> 8) % 250}`

describe.runIf(asRoot('port 53'))('a domain that refuses its mail while its records are broken', () => {
  test('its mail is refused by the relay and by explain until a look finds the records mended', async () => {
    const table: Table = {}
    await startZoneServer(table, address, 53)
    const folder = temporaryFolder()
    const [directory, state] = [join(folder, 'yaml'), join(folder, 'state')]
    writeYaml(directory, {
      'policy.yaml': policy('shared', await freePort()),
      'domain.yaml': domain({
        ...{ expect: { spf: {} }, dns: { resolvers: [address] } },
        whenBroken: { action: 'Refuse', grace: '1ms' },
      }),
      'web.yaml': credential('web', 'shared'),
    })
    const stands = (said: string): Promise<unknown> =>
      until(`the status says ${said}`, () => {
        const { conditions = [] } = readStatuses(stateAt(state).statusFile).get('SenderDomain mail/example-org') ?? {}
        return conditions.some(({ type, status, reason }) => `${type} ${status} ${reason}` === said)
      })
    const run = async (meanwhile: () => Promise<void>): Promise<void> => {
      const ending = new AbortController()
      const running = runLocal({ directory, state, tell: () => {}, signal: ending.signal })
      await meanwhile().finally(() => ending.abort())
      await running
    }
    const of = ['--credential', 'team-a/web', '--state', state, '--from', 'a@example.org', '--to', 'b@example.net']
    const refused =
      'the DNS records of example.org are broken (TXT example.org); the owner of SenderDomain mail/example-org has to publish them'

    await run(async () => {
      await stands('RecordsPublished False BrokenTooLong')
      await until('the message is refused', async () =>
        (await commanded('send-test', directory, ...of)).out.includes(`451 4.7.5 ${refused}`),
      )
      const explained = await commanded('explain', directory, ...of)
      expect(explained.out).toContain(`451 4.7.5 ${refused}`)
      expect(explained.out).toContain('spec.whenBroken of SenderDomain mail/example-org')
      expect(explained.code).toBe(1)
    })
    table['TXT example.org'] = { answers: txt('example.org', 'v=spf1 -all') }
    await run(async () => {
      await stands('SPFValid True RecordMatches')
      await until('the message is taken', async () => (await commanded('send-test', directory, ...of)).code === 0)
    })
  })
})
