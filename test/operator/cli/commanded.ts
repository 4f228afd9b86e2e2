/** Runs the command line within the test, and gives its exit code and what it printed. */
import { execute } from '../../../operator/cli/program.ts'
import { terminalOn } from '../../../operator/cli/terminal.ts'

export async function commanded(...argv: readonly string[]) {
  const printed = { out: '', err: '' }
  const into = (stream: 'out' | 'err') => ({
    write: (text: string) => {
      printed[stream] += text
    },
  })
  const terminal = terminalOn(into('out'), into('err'), false)
  const code = await execute(argv, { terminal, signal: new AbortController().signal })
  return { code, ...printed }
}
