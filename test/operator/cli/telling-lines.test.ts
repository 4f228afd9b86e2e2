/** What happens in local mode becomes one line each for a person at a terminal, and a busy relay does not flood it. */
import { expect, test } from 'vitest'
import { tellOn } from '../../../operator/cli/telling-lines.ts'
import { terminalOn } from '../../../operator/cli/terminal.ts'
import type { Telling } from '../../../operator/local/telling.ts'

function telling(now: () => number = () => 0) {
  const lines: string[] = []
  const stream = { write: (text: string) => lines.push(text.trimEnd()) }
  return { lines, tell: tellOn(terminalOn(stream, stream, false), now) }
}
const line = (text: string, level: 'info' | 'warn' = 'info'): Telling => ({
  about: 'relay',
  policy: 'mail/shared',
  line: { level, text },
})

test.each<[Telling, RegExp]>([
  [
    { about: 'object', ref: 'RelayPolicy mail/shared', ready: 'True', text: 'listening on 127.0.0.1:2525' },
    /^RelayPolicy mail\/shared +ready +listening on 127\.0\.0\.1:2525$/,
  ],
  [
    { about: 'object', ref: 'RelayCredential team-a/web', ready: 'False', text: 'NotAllowedByPolicy: ask its owner' },
    /^RelayCredential team-a\/web +not ready +NotAllowedByPolicy: ask its owner$/,
  ],
  [{ about: 'gone', ref: 'SenderDomain mail/example-org' }, /^SenderDomain mail\/example-org +deleted$/],
  [line('accepted q1 from team-a/web for 1 recipient'), /^relay mail\/shared +accepted q1/],
  [
    {
      about: 'text',
      problem: {
        file: 'a.yaml',
        line: 3,
        column: 5,
        object: 'RelayPolicy mail/shared',
        field: 'spec.x',
        message: 'no',
      },
    },
    /^a\.yaml:3:5 {2}error {2}RelayPolicy mail\/shared spec\.x: no$/,
  ],
  [
    { about: 'trouble', text: 'status.yaml: no space left' },
    /^trouble {2}status\.yaml: no space left; it is tried again$/,
  ],
])('there is one line for %j', (given, shown) => {
  const { lines, tell } = telling()
  tell(given)
  expect(lines).toEqual([expect.stringMatching(shown)])
})

test('of a hundred lines in a second twenty are printed and the others counted, and a warning is always printed', () => {
  let now = 0
  const { lines, tell } = telling(() => now)
  for (let i = 0; i < 100; i += 1) tell(line(`accepted q${i}`))
  expect(lines).toHaveLength(20)
  tell(line('login failed', 'warn'))
  expect(lines.at(-1)).toContain('login failed')
  now = 1000
  tell(line('accepted q100'))
  expect(lines.slice(-2)).toEqual(['… and 80 more, in relay.log', expect.stringContaining('accepted q100')])
})
