/** `submit`: what an application does with its binding, and no more; run in its pod, it shows whether that works. */
import { setTimeout as wait } from 'node:timers/promises'
import type { Command } from 'commander'
import { durationMs } from '../../crds/duration.ts'
import { duration } from '../../crds/fields.ts'
import { type BindingSecret, readBindingSecret } from '../local/binding-secret.ts'
import { submit } from '../local/submit.ts'
import { testMessage } from '../local/test-message.ts'
import { existingDirectory, gathered, reversePath } from './arguments.ts'
import type { Context } from './context.ts'
import { dialogLine } from './dialog-line.ts'
import { type ExitCode, exitCodes, UsageError } from './exit-code.ts'
import type { Terminal } from './terminal.ts'

type Options = {
  readonly binding: string
  readonly from: string
  readonly to: readonly string[]
  readonly subject?: string
  readonly every?: string
}

export const addSubmit = (program: Command, { terminal, signal, finish }: Context): Command =>
  program
    .command('submit')
    .summary('submit a message with a binding that is mounted here')
    .description(
      'Submits a test message with nothing but a Service Binding folder: TLS with verification, AUTH. Shows the dialog\n' +
        'without the password. Meant for a pod of the application, where the binding is mounted: the Secret of its\n' +
        "credential, or the credential's ConfigMap with a service account's token in the place of the password.",
    )
    .requiredOption('--binding <dir>', 'the folder with host, port, username, password, uri, certificates')
    .requiredOption('--from <address>', 'the reverse-path (MAIL FROM) and the visible From')
    .requiredOption('--to <address>', 'a forward-path (RCPT TO); once for each', gathered)
    .option('--subject <text>', 'of the message')
    .option('--every <duration>', 'again and again, with the binding as it then is; it ends with the first trouble')
    .action(async (options: Options) => finish(await submitEach(options, terminal, signal)))

async function submitEach(options: Options, terminal: Terminal, signal: AbortSignal): Promise<ExitCode> {
  const everyMs = options.every === undefined ? undefined : pauseOf(options.every)
  for (;;) {
    const code = await submitOne(options, terminal)
    if (everyMs === undefined || code !== exitCodes.ok || signal.aborted) return code
    await wait(everyMs, undefined, { signal }).catch(() => undefined)
    if (signal.aborted) return code
  }
}

/** @throws UsageError */
function pauseOf(every: string): number {
  const ms = new RegExp(duration.pattern).test(every) ? durationMs(every) : 0
  if (ms > 0) return ms
  throw new UsageError(`--every ${every}: is no duration like 30s or 5m`)
}

async function submitOne({ binding, from, to, subject }: Options, terminal: Terminal): Promise<ExitCode> {
  const secret = bindingIn(binding)
  const content = testMessage(from, to, new Date(), subject)
  const mail = { reversePath: reversePath(from), forwardPaths: to, content }
  const submission = await submit(secret, mail, (line) => terminal.out(dialogLine(line, terminal)))
  terminal.out('')
  switch (submission.kind) {
    case 'accepted':
      terminal.out(`${terminal.style('good', 'ACCEPTED')}  ${submission.reply}`)
      for (const reply of submission.refused) terminal.out(`${terminal.style('bad', 'REFUSED')}  at RCPT: ${reply}`)
      return submission.refused.length === 0 ? exitCodes.ok : exitCodes.refused
    case 'refused':
      terminal.out(`${terminal.style('bad', 'REFUSED')}  at ${submission.command}: ${submission.reply}`)
      return exitCodes.refused
    case 'failed':
      terminal.out(`${terminal.style('bad', 'NO VERDICT')}  ${secret.host}:${secret.port}: ${submission.why}`)
      return exitCodes.failed
  }
}

/** @throws UsageError where the folder is no whole binding */
function bindingIn(folder: string): BindingSecret {
  const secret = readBindingSecret(existingDirectory(folder))
  if (secret !== undefined) return secret
  throw new UsageError(
    `--binding ${folder}: host, port, username, password and uri are not all there; mount the binding Secret of a ` +
      'RelayCredential (status.binding.name), or its ConfigMap and a token (status.configMap.name)',
  )
}
