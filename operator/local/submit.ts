/**
 * Submits one message as an application would: with verified TLS, and AUTH with the binding's password or a client certificate.
 */
import type { NodemailerError } from 'nodemailer'
import SMTPConnection from 'nodemailer/lib/smtp-connection'
// Changes how node:tls, which nodemailer uses, reads peer certificates.
import '../../relay/peer-certificate.ts'
import type { BindingPlace } from './binding-secret.ts'

export type Mail = {
  /** Empty: the null reverse-path. */
  readonly reversePath: string
  readonly forwardPaths: readonly string[]
  /** Header and body, with CRLF. */
  readonly content: string
}

export type Line = { readonly by: 'client' | 'relay' | 'note'; readonly text: string }

export type Submission =
  | { readonly kind: 'accepted'; readonly reply: string; readonly refused: readonly string[] }
  /** The relay said no, at this command. */
  | { readonly kind: 'refused'; readonly command: string; readonly reply: string }
  /** The dialog ended without a reply to the message. */
  | { readonly kind: 'failed'; readonly why: string }

const patienceMs = 15_000

/** PEM texts. Without a password in the binding, the certificate is the login. */
export type ClientCertificate = { readonly cert: string; readonly key: string }

export type Address = { readonly host: string; readonly port: number }

/**
 * Never throws. `tell` gets each line of the dialog as it comes, but never the password. `at` is where the relay is reached from
 * here, if not at the binding's host; its certificate is verified for the binding's host all the same. `shown` is the client
 * certificate to show.
 */
export async function submit(
  secret: BindingPlace,
  mail: Mail,
  tell: (line: Line) => void,
  at?: Address,
  shown?: ClientCertificate,
): Promise<Submission> {
  let over = false
  const told = (line: Line): void => {
    if (!over) tell(line)
  }
  const implicit = secret.uri.startsWith('smtps:')
  const connection = new SMTPConnection({
    host: at?.host ?? secret.host,
    port: at?.port ?? secret.port,
    name: 'relayfleet-send-test.invalid',
    secure: implicit,
    requireTLS: !implicit,
    tls: {
      ...(secret.certificates !== undefined && { ca: secret.certificates }),
      ...(at !== undefined && { servername: secret.host }),
      ...shown,
    },
    transactionLog: true,
    logger: transcriber(secret, told),
    connectionTimeout: patienceMs,
    greetingTimeout: patienceMs,
    socketTimeout: patienceMs,
  })
  try {
    await called(connection, (done) => connection.connect(done))
    told({ by: 'note', text: 'TLS: the certificate of the relay is verified' })
    const { username: user, password: pass } = secret
    if (pass !== undefined) await called(connection, (done) => connection.login({ user, pass }, done))
    const envelope = { from: mail.reversePath, to: [...mail.forwardPaths] }
    const sent = await called<SentInfo>(connection, (done) => connection.send(envelope, mail.content, done))
    over = true
    connection.quit()
    return { kind: 'accepted', reply: sent.response, refused: (sent.rejectedErrors ?? []).map((e) => e.response ?? '') }
  } catch (error) {
    over = true
    connection.close()
    return unaccepted(error as NodemailerError, secret)
  }
}

type SentInfo = { readonly response: string; readonly rejectedErrors?: readonly NodemailerError[] | undefined }

const unaccepted = ({ response, command, message }: NodemailerError, { certificates }: BindingPlace): Submission => {
  if (response !== undefined) return { kind: 'refused', command: command ?? 'the dialog', reply: response.trim() }
  const [why = '', hintForNode] = message.split('; if the root CA is installed locally')
  if (hintForNode === undefined || certificates !== undefined) return { kind: 'failed', why }
  const lacks = 'the binding has no certificates, so only public authorities are trusted: mount all keys of the binding'
  return { kind: 'failed', why: `${why}; ${lacks}` }
}

type Done<T> = (error?: Error | null, result?: T) => void

/**
 * The relay may close the connection at any time. Nodemailer reports that for most commands, but not during a login, so `end` is
 * watched.
 */
const called = <T>(connection: SMTPConnection, start: (done: Done<T>) => void): Promise<T> =>
  new Promise((resolve, reject) => {
    connection.once('error', reject)
    connection.once('end', () => reject(new Error('the relay closed the connection')))
    start((error, result) => (error ? reject(error) : resolve(result as T)))
  })

function transcriber(secret: BindingPlace, told: (line: Line) => void) {
  const speakers: Readonly<Record<string, Line['by']>> = { client: 'client', server: 'relay' }
  const write = (entry: { readonly tnx?: string }, text = ''): void => {
    const by = speakers[entry.tnx ?? '']
    if (by !== undefined) for (const line of text.split(/\r?\n/)) told({ by, text: hidden(line, by, secret) })
  }
  const ignore = (): void => {}
  return { trace: ignore, debug: write, info: ignore, warn: ignore, error: ignore, fatal: ignore }
}

function hidden(line: string, by: Line['by'], { password }: BindingPlace): string {
  const auth = /^(AUTH \S+) /i.exec(line)
  if (by === 'client' && auth?.[1] !== undefined) return `${auth[1]} ****`
  if (password === undefined) return line
  // Nodemailer hides the password by itself; this is a second barrier.
  return [password, Buffer.from(password).toString('base64')].reduce((text, p) => text.replaceAll(p, '****'), line)
}
