/** Submits a test message to a relay, shows the dialog, and follows the message until its fate is known. */
import type { Name } from '../compile/snapshot.ts'
import type { BindingSecret } from '../local/binding-secret.ts'
import type { Directory } from '../local/directory.ts'
import type { Fate } from '../local/fate.ts'
import { type Address, submit } from '../local/submit.ts'
import { testMessage } from '../local/test-message.ts'
import type { Context } from './context.ts'
import { dialogLine } from './dialog-line.ts'
import { type ExitCode, exitCodes } from './exit-code.ts'
import { type FurtherReading, fateLine, refusalLines } from './submission-lines.ts'

export type Test = {
  readonly credential: Name
  readonly reversePath: string
  readonly forwardPaths: readonly string[]
  readonly headerFrom: string
}

export type Way = FurtherReading & {
  readonly policy: Name
  readonly secret: BindingSecret
  /** Where to connect, if not to the host and port in the binding. */
  readonly at?: Address
  /** With a directory, refusals name the line of YAML that decides them. */
  readonly directory?: Directory
  readonly follow: (queueId: string, signal: AbortSignal) => Promise<Fate>
  /** What to look at if no relay answers. */
  readonly silent: () => string
}

/** Long enough for the first attempt at a slow smarthost. */
const followMs = 30_000

type Surroundings = Pick<Context, 'terminal' | 'signal'>

export async function submitAndFollow(test: Test, way: Way, { terminal, signal }: Surroundings): Promise<ExitCode> {
  const { reversePath, forwardPaths, headerFrom } = test
  const mail = { reversePath, forwardPaths, content: testMessage(headerFrom, forwardPaths, new Date()) }
  const submission = await submit(way.secret, mail, (line) => terminal.out(dialogLine(line, terminal)), way.at)
  terminal.out('')
  const names = { policy: way.policy, credential: test.credential }
  const tellRefused = (command: string, reply: string): void => {
    for (const line of refusalLines({ command, reply }, names, way.directory, terminal)) terminal.out(line)
  }
  switch (submission.kind) {
    case 'failed':
      terminal.out(`${terminal.style('bad', 'NO VERDICT')}  ${submission.why}`)
      terminal.out(`  mend   ${way.silent()}`)
      return exitCodes.failed
    case 'refused':
      tellRefused(submission.command, submission.reply)
      return exitCodes.refused
    case 'accepted': {
      for (const reply of submission.refused) tellRefused('RCPT', reply)
      const queueId = /queued as (\S+)/.exec(submission.reply)?.[1] ?? ''
      const fate = await way.follow(queueId, AbortSignal.any([signal, AbortSignal.timeout(followMs)]))
      terminal.out(fateLine(fate, queueId, way, terminal))
      const arrived = fate.kind === 'captured' || fate.kind === 'delivered'
      return arrived && submission.refused.length === 0 ? exitCodes.ok : exitCodes.refused
    }
  }
}
