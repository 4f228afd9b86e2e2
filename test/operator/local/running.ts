/** Runs local mode on a folder in a test, and gives what it tells and the conditions of its objects. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Name, Ref } from '../../../operator/compile/snapshot.ts'
import { boundCredential } from '../../../operator/local/bound-credential.ts'
import { runLocal } from '../../../operator/local/local-mode.ts'
import { stateAt } from '../../../operator/local/state.ts'
import { readStatuses } from '../../../operator/local/status-file.ts'
import { type Line, type Submission, submit } from '../../../operator/local/submit.ts'
import type { Telling } from '../../../operator/local/telling.ts'
import { testMessage } from '../../../operator/local/test-message.ts'
import { temporaryFolder } from '../../local/temporary.ts'
import { until } from '../../local/until.ts'
import { onTestFinished } from '../../own-test.ts'

export function running(directory: string, stateFolder = join(temporaryFolder(), 'state')) {
  const ending = new AbortController()
  const state = stateAt(stateFolder)
  const tellings: Telling[] = []
  const done = runLocal({ directory, state: stateFolder, tell: (t) => tellings.push(t), signal: ending.signal })
  done.catch(() => {})
  const stop = async (): Promise<void> => {
    ending.abort()
    await done.catch(() => {})
  }
  onTestFinished(stop)

  const condition = (ref: Ref, type: string): string => {
    const found = readStatuses(state.statusFile)
      .get(ref)
      ?.conditions.find((c) => c.type === type)
    return `${found?.status} ${found?.reason}: ${found?.message}`
  }
  return {
    state,
    tellings,
    done,
    stop,
    condition,
    /** Waits until a condition of an object reads so at its beginning, e.g. `True` or `False Invalid`. */
    until: (ref: Ref, type: string, begins: string, withinMs?: number) =>
      until(`${ref} says ${type} ${begins}`, () => condition(ref, type).startsWith(begins), withinMs),
    pid: (policy: Name): number => Number(JSON.parse(readFileSync(state.fleet(policy).endpoints, 'utf8')).pid),
    /** Submits as an application does. */
    async submit(credential: Name, from: string, dialog: Line[] = []): Promise<Submission> {
      const content = testMessage(from, ['you@example.net'], new Date())
      const mail = { reversePath: from, forwardPaths: ['you@example.net'], content }
      return submit(boundCredential(state, credential).secret, mail, (line) => dialog.push(line))
    },
  }
}
