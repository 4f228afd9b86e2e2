/** Clients that others wrote: nodemailer, as an application uses it, swaks, as a person does, and msmtp, as a script does. */
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createTransport, type SendMailOptions } from 'nodemailer'
import type { Binding } from './fleet.ts'
import { programFile } from './programs.ts'

export type Mail = {
  readonly from: string
  readonly to: string | readonly string[]
  readonly raw: string
  /** What nodemailer asks of reports. */
  readonly dsn?: SendMailOptions['dsn']
}
/** The reply that decided: the first refusal, or else the reply to the final dot. The code is 0 if there was none. */
export type Answer = { readonly code: number; readonly text: string }
export type Client = (binding: Binding, mail: Mail) => Promise<Answer>

export const nodemailer: Client = async ({ host, port, ca, login }, { from, to, raw, dsn }) => {
  const transport = createTransport({
    host,
    port,
    requireTLS: true,
    tls: { ca },
    auth: { user: login.username, pass: login.password },
  })
  try {
    const { response } = await transport.sendMail({ envelope: { from, to: [to].flat() }, raw, ...(dsn && { dsn }) })
    return answerIn(response)
  } catch (error) {
    const { response, message } = error as Error & { response?: string }
    return answerIn(response ?? `000 ${message}`)
  } finally {
    transport.close()
  }
}

export const swaks: Client = async ({ host, port, login }, { from, to, raw }) => {
  const options = {
    server: `${host}:${port}`,
    auth: 'PLAIN',
    'auth-user': login.username,
    'auth-password': login.password,
    helo: 'swaks.test',
    from,
    to: [to].flat().join(','),
    // swaks itself ends every line with CR LF, the last one too, and doubles leading dots.
    data: raw.replaceAll('\r\n', '\n').replace(/\n$/, ''),
  }
  const named = Object.entries(options).flatMap(([name, value]) => [`--${name}`, value])
  const transcript = await new Promise<string>((resolve) => {
    // What goes wrong before swaks connects is on standard error alone.
    execFile(programFile('swaks') ?? 'swaks', ['--tls', ...named], (_, out, err) => resolve(out === '' ? err : out))
  })
  return decisive(transcript.split('\n'))
}

/** Unlike the other clients, msmtp verifies certificates by GnuTLS and gets the password from a command. It ends lines itself. */
export const msmtp: Client = async ({ host, port, ca, login }, { from, to, raw }) => {
  const folder = mkdtempSync(join(tmpdir(), 'relayfleet-msmtp-'))
  const authority = join(folder, 'ca.pem')
  writeFileSync(authority, ca ?? '')
  const options = {
    host,
    port: String(port),
    tls: 'on',
    'tls-trust-file': authority,
    auth: 'on',
    user: login.username,
    passwordeval: 'printenv RELAY_PASSWORD',
    // Otherwise, msmtp would give a From field to a message that has none.
    'set-from-header': 'off',
    from,
  }
  const named = Object.entries(options).map(([name, value]) => `--${name}=${value}`)
  const transcript = await new Promise<string>((resolve) => {
    const env = { ...process.env, RELAY_PASSWORD: login.password }
    const args = ['--debug', ...named, '--', ...[to].flat()]
    const child = execFile(programFile('msmtp') ?? 'msmtp', args, { env }, (_, out, err) => resolve(`${out}${err}`))
    // If a command before the content is refused, msmtp ends without having read the content.
    child.stdin?.on('error', () => undefined).end(raw.replaceAll('\r\n', '\n'))
  })
  rmSync(folder, { recursive: true })
  const said = transcript.split('\n').flatMap((line) => /^<-- (\d{3} .*)/.exec(line)?.[1] ?? [])
  return answerIn(said.find((line) => /^[45]/.test(line)) ?? said.at(-2) ?? `000 ${transcript}`)
}

/** The first refusal in a transcript, or else the reply to the final dot, which is the last one before the reply to QUIT. */
function decisive(lines: readonly string[]): Answer {
  const replies = (mark: RegExp): readonly string[] => lines.flatMap((line) => mark.exec(line)?.[1] ?? [])
  const refusals = replies(/^<(?:\*\*|~\*) +(\d{3} .*)/)
  const answers = replies(/^<[-~] +(\d{3} .*)/)
  return answerIn(refusals[0] ?? answers.at(-2) ?? `000 ${lines.join('\n')}`)
}

const answerIn = (line: string): Answer => ({ code: Number(line.slice(0, 3)), text: line.slice(4) })
