/**
 * `submit`: does what an application does with its binding, and no more; run in the application's pod, it shows whether that
 * works.
 */
import { readFileSync } from 'node:fs'
import { setTimeout as wait } from 'node:timers/promises'
import { createSecureContext } from 'node:tls'
import type { Command } from 'commander'
import { durationMs } from '../../crds/duration.ts'
import { duration } from '../../crds/fields.ts'
import { type BindingPlace, readBinding } from '../local/binding-secret.ts'
import { type ClientCertificate, submit } from '../local/submit.ts'
import { testMessage } from '../local/test-message.ts'
import { existingDirectory, forwardPaths, reversePath } from './arguments.ts'
import type { Context } from './context.ts'
import { dialogLine } from './dialog-line.ts'
import { type ExitCode, exitCodes, UsageError } from './exit-code.ts'
import type { Terminal } from './terminal.ts'

type Options = {
  readonly binding: string
  readonly cert?: string
  readonly key?: string
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
      'Submits a test message with nothing but a Service Binding folder: TLS with verification, AUTH. Shows the dialog ' +
        'without the password. Meant for a pod of the application, where the binding is mounted: the Secret of its ' +
        "credential, or the credential's ConfigMap with a service account's token in the place of the password.",
    )
    .requiredOption('--binding <dir>', 'the folder with host, port, username, password, uri, certificates')
    .option(
      '--cert <file>',
      'a client certificate in PEM, its intermediates behind it; the login where there is no password',
    )
    .option('--key <file>', 'its private key in PEM')
    .requiredOption('--from <address>', 'the reverse-path (MAIL FROM) and the visible From')
    .requiredOption('--to <address>', 'a forward-path (RCPT TO); once for each', forwardPaths)
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
  throw new UsageError(`--every ${every}: write a duration like 30s or 5m`)
}

async function submitOne(options: Options, terminal: Terminal): Promise<ExitCode> {
  const { binding, from, to, subject } = options
  const shown = certificateIn(options)
  const secret = bindingIn(binding, shown !== undefined)
  const content = testMessage(from, to, new Date(), subject)
  const mail = { reversePath: reversePath(from), forwardPaths: to, content }
  const tell = (line: Parameters<typeof dialogLine>[0]): void => terminal.out(dialogLine(line, terminal))
  const submission = await submit(secret, mail, tell, undefined, shown)
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

/** Read again for each message, like the binding, because certificates are renewed. @throws UsageError */
function certificateIn({ cert, key }: Options): ClientCertificate | undefined {
  if (cert === undefined && key === undefined) return undefined
  if (cert === undefined || key === undefined) throw new UsageError('--cert and --key go together: give both')
  const certificate = { cert: pemIn('--cert', cert), key: pemIn('--key', key) }
  try {
    createSecureContext(certificate)
  } catch (error) {
    throw new UsageError(
      `--cert ${cert}, --key ${key}: ${(error as Error).message}; give a certificate and its own key`,
    )
  }
  return certificate
}

function pemIn(option: string, file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    throw new UsageError(`${option} ${file} can not be read: ${(error as Error).message}`)
  }
}

/** @throws UsageError where the folder is not a complete binding. */
function bindingIn(folder: string, mayLackPassword: boolean): BindingPlace {
  const secret = readBinding(existingDirectory(folder, 'of the binding'))
  const isPort = secret === undefined || (secret.port >= 1 && secret.port <= 65_535)
  if (secret !== undefined && isPort && (mayLackPassword || secret.password !== undefined)) return secret
  const wrong = isPort
    ? 'it must have all of host, port, username, password and uri'
    : 'port must be a number from 1 to 65535'
  throw new UsageError(
    `--binding ${folder}: ${wrong}; mount the binding Secret of a ` +
      'RelayCredential (status.binding.name), or its ConfigMap (status.configMap.name) and a token, or give --cert and --key',
  )
}
