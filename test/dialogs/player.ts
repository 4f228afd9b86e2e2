/**
 * Plays an SMTP conversation that is written as text:
 *
 *   # a comment                     SET limits.messageBytes 1000     before the first line of the conversation
 *   TOKENS                          the fleet takes tokens of the test's issuer (before the first line of the conversation)
 *   CERTIFICATES Optional           its listeners ask for certificates, Optional or Required (likewise)
 *   SHOW device                     the certificate of that name (test/client-certificates.ts) is shown from here on
 *   CONNECT submissions             a new connection to that listener (the first line may be left out: submission)
 *   C: EHLO a.example               sent with CR LF; `C:` lines without `S:` between them go in one write
 *   C+ raw\r\n                      sent as it stands: \r \n \0 \t \\ \xHH are octets, nothing is added
 *   C64: AUTH PLAIN {\0app\0pw}     what is in braces is sent as base64
 *                                   <token expired> in it is the token of that name in test/relay/tokens.ts
 *   S: 250 2.1.0                    the next reply (its last line) begins with this
 *   S- SIZE 1000                    the next reply has a line that begins with this (before its `S:`)
 *   S! STARTTLS                     the next reply has no line that begins with this
 *   SEND                            what is to be sent goes now, and what follows in another segment
 *   LOGIN app                       a new connection with STARTTLS, EHLO and AUTH as that credential
 *   TLS                             the client's half of a handshake
 *   CLOSED                          the server has closed the connection
 *   LEAVE                           the client closes the connection at once
 *   FINISH                          the client has nothing more to say, and waits
 *   RELOAD limits.messageBytes 5    a new configuration, in force from here
 *   QUEUED 1                        so many messages are in the spool
 *   ENVELOPE {"disposition": "…"}   the last one's envelope has these fields
 *   CONTENT Subject: x              the last one's content has this text
 *   TOLD refused {"rule": "…"}      a line of the log with that message and these fields
 *   NEVER refused                   no line of the log has that message
 */
import { readFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { isDeepStrictEqual } from 'node:util'
import type { RelayConfig } from '../../relay/config.ts'
import { clientCertificates, type Shown } from '../client-certificates.ts'
import { MemorySpool } from '../relay/inbound/memory-spool.ts'
import {
  app,
  baseConfig,
  certificateConfig,
  other,
  startSubmission,
  type UnderTest,
} from '../relay/inbound/submission-under-test.ts'
import { tokenNamed, tokensConfig } from '../relay/tokens.ts'

const patience = 5_000

type Step = { readonly line: number; readonly verb: string; readonly text: string }

/**
 * Plays one file.
 * @throws Error that names the line that came out otherwise
 */
export async function play(file: string): Promise<void> {
  const steps = parse(readFileSync(file, 'utf8'))
  const settings = steps.filter((s) => s.verb === 'SET')
  const takesTokens = steps.some((s) => s.verb === 'TOKENS')
  const asks = steps.find((s) => s.verb === 'CERTIFICATES')?.text
  const asking = asks === undefined ? baseConfig : certificateConfig(asks === 'Required' ? asks : 'Optional')
  const base = takesTokens ? { ...asking, tokens: tokensConfig } : asking
  const config = settings.reduce((c, s) => change(c, s.text), base)
  const spool = new MemorySpool()
  const under = await startSubmission(spool, config)
  const player = new Player(under, spool, config)
  try {
    for (const step of steps.filter((s) => !settingVerbs.has(s.verb))) {
      await player.step(step).catch((error: unknown) => {
        throw new Error(`${file}:${step.line}: ${step.verb} ${step.text}\n${(error as Error).message}`)
      })
    }
  } finally {
    player.leave()
    await under.submission.close(0)
  }
}

const settingVerbs: ReadonlySet<string> = new Set(['SET', 'TOKENS', 'CERTIFICATES'])
const verbs =
  /^(SET|TOKENS|CERTIFICATES|SHOW|CONNECT|C:|C\+|C64:|S:|S-|S!|SEND|LOGIN|TLS|CLOSED|LEAVE|FINISH|RELOAD|QUEUED|ENVELOPE|CONTENT|TOLD|NEVER)(?: (.*))?$/

const parse = (text: string): readonly Step[] =>
  text.split('\n').flatMap((raw, index) => {
    if (raw.trim() === '' || raw.startsWith('#')) return []
    const [, verb, rest = ''] = verbs.exec(raw) ?? []
    if (verb === undefined) throw new Error(`line ${index + 1} is no step: ${raw}`)
    return [{ line: index + 1, verb, text: rest }]
  })

/** The configuration with one field changed, e.g. by `limits.messageBytes 1000`. */
function change(config: RelayConfig, setting: string): RelayConfig {
  const [, path = '', json = ''] = /^(\S+) (.*)$/.exec(setting) ?? []
  const next = structuredClone(config) as unknown as Record<string, unknown>
  const keys = path.split('.')
  const last = keys.pop() ?? ''
  let at = next
  for (const key of keys) at = at[key] as Record<string, unknown>
  at[last] = JSON.parse(json)
  return next as unknown as RelayConfig
}

const octets = (text: string): Buffer =>
  Buffer.from(
    text.replaceAll(/\\(?:x([0-9a-f]{2})|(.))/gi, (_, hex: string | undefined, char: string) =>
      hex === undefined
        ? ({ r: '\r', n: '\n', t: '\t', 0: '\0' }[char] ?? char)
        : String.fromCharCode(Number.parseInt(hex, 16)),
    ),
    'latin1',
  )

const withTokens = (text: string): string => text.replaceAll(/<token (\w+)>/g, (_, name: string) => tokenNamed(name))

const includes = (all: Readonly<Record<string, unknown>>, some: Readonly<Record<string, unknown>>): boolean =>
  Object.entries(some).every(([key, value]) => isDeepStrictEqual(all[key], value))

class Player {
  readonly #under: UnderTest
  readonly #spool: MemorySpool
  #config: RelayConfig
  #socket: Socket | undefined
  #received = ''
  #closed = false
  #changed: () => void = () => {}
  #toSend: Buffer[] = []
  #reply: readonly string[] | undefined
  #shown: Shown | undefined

  constructor(under: UnderTest, spool: MemorySpool, config: RelayConfig) {
    this.#under = under
    this.#spool = spool
    this.#config = config
  }

  async step({ verb, text }: Step): Promise<void> {
    if (verb === 'SHOW') return this.#show(text)
    if (verb === 'CONNECT') return this.#connect(text)
    if (verb === 'LOGIN') return this.#logIn(text)
    if (!this.#socket) await this.#connect('submission')
    if (verb === 'C:') return void this.#toSend.push(Buffer.from(`${text}\r\n`))
    if (verb === 'C+') return void this.#toSend.push(octets(text))
    if (verb === 'C64:') {
      const line = text.replaceAll(/\{([^}]*)\}/g, (_, plain: string) => octets(withTokens(plain)).toString('base64'))
      return void this.#toSend.push(Buffer.from(`${line}\r\n`))
    }
    this.#flush()
    return this.#expect(verb, text)
  }

  async #show(name: string): Promise<void> {
    const shown: Readonly<Record<string, Shown>> = (await clientCertificates()).shown
    this.#shown = shown[name]
    if (this.#shown === undefined) throw new Error(`there is no certificate ${name}`)
  }

  async #logIn(username: string): Promise<void> {
    const { password } = [app, other].find((c) => c.username === username) ?? app
    const script = [
      'CONNECT submission',
      'S: 220',
      'C: STARTTLS',
      'S: 220',
      'TLS',
      'C: EHLO app.example',
      'S: 250',
      `C64: AUTH PLAIN {\\0${username}\\0${password}}`,
      'S: 235',
    ]
    for (const step of parse(script.join('\n'))) await this.step(step)
  }

  leave(): void {
    this.#socket?.destroy()
  }

  async #expect(verb: string, text: string): Promise<void> {
    switch (verb) {
      case 'S:':
        return this.#expectReply(text)
      case 'S-':
        return check(
          (await this.#peek()).some((l) => l.slice(4).startsWith(text)),
          (await this.#peek()).join('\n'),
        )
      case 'S!':
        return check(!(await this.#peek()).some((l) => l.slice(4).startsWith(text)), (await this.#peek()).join('\n'))
      case 'SEND':
        return
      case 'TLS':
        return this.#secure()
      case 'CLOSED':
        await this.#until(() => this.#closed)
        return check(this.#received === '', this.#received)
      case 'LEAVE':
        return this.leave()
      case 'FINISH':
        return void this.#socket?.end()
      case 'RELOAD':
        this.#config = change(this.#config, text)
        return this.#under.apply(this.#config)
      case 'QUEUED':
        await this.#until(() => this.#spool.kept.length >= Number(text))
        return check(this.#spool.kept.length === Number(text), `${this.#spool.kept.length} are queued`)
      case 'ENVELOPE': {
        const envelope = this.#spool.kept.at(-1)?.message.envelope
        return check(includes(envelope ?? {}, JSON.parse(text)), JSON.stringify(envelope))
      }
      case 'CONTENT': {
        const content = this.#spool.kept.at(-1)?.content ?? Buffer.alloc(0)
        return check(content.includes(octets(text)), content.toString('latin1'))
      }
      case 'NEVER':
        return check(!this.#under.told.some((line) => line.msg === text), `the log has this line: ${text}`)
      case 'TOLD': {
        const [, msg, fields = '{}'] = /^([^{]*?) ?(\{.*)?$/.exec(text) ?? []
        const { told } = this.#under
        const found = () => told.some((line) => line.msg === msg && includes(line, JSON.parse(fields)))
        return this.#until(found).catch(() => check(false, told.map((line) => JSON.stringify(line)).join('\n')))
      }
      default:
        throw new Error(`there is no step ${verb}`)
    }
  }

  async #connect(listener: string): Promise<void> {
    this.leave()
    const port = this.#under.port(listener)
    const implicit = listener === 'submissions'
    const socket = implicit
      ? connectTls({ port, host: '127.0.0.1', servername: 'localhost', ca: this.#under.ca, ...this.#shown })
      : connect({ port, host: '127.0.0.1' })
    this.#listen(socket)
    await new Promise<void>((resolve, reject) => {
      socket.once(implicit ? 'secureConnect' : 'connect', resolve).once('error', reject)
    })
  }

  #listen(socket: Socket): void {
    socket.setNoDelay(true)
    this.#socket = socket
    this.#received = ''
    this.#reply = undefined
    this.#closed = false
    socket.on('data', (chunk) => {
      this.#received += chunk.toString()
      this.#changed()
    })
    socket.on('error', () => {})
    socket.on('close', () => {
      if (this.#socket === socket) this.#closed = true
      this.#changed()
    })
  }

  async #secure(): Promise<void> {
    const plain = this.#socket
    if (!plain) throw new Error('there is no connection')
    plain.removeAllListeners('data').removeAllListeners('close')
    const secure = connectTls({ socket: plain, servername: 'localhost', ca: this.#under.ca, ...this.#shown })
    this.#listen(secure)
    await new Promise<void>((resolve, reject) => {
      secure.once('secureConnect', resolve).once('error', reject)
    })
  }

  #flush(): void {
    if (this.#toSend.length > 0) this.#socket?.write(Buffer.concat(this.#toSend))
    this.#toSend = []
  }

  async #expectReply(text: string): Promise<void> {
    const reply = await this.#peek()
    this.#reply = undefined
    const last = reply.at(-1) ?? ''
    check(last.startsWith(text), reply.join('\n'))
  }

  /** The lines of the next reply. */
  async #peek(): Promise<readonly string[]> {
    if (this.#reply) return this.#reply
    const whole = /^(?:\d{3}-[^\r\n]*\r\n)*\d{3} [^\r\n]*\r\n/
    await this.#until(() => whole.test(this.#received) || this.#closed)
    const [text = ''] = whole.exec(this.#received) ?? []
    if (text === '') throw new Error(`the connection was closed; before that came: ${JSON.stringify(this.#received)}`)
    this.#received = this.#received.slice(text.length)
    this.#reply = text.slice(0, -2).split('\r\n')
    return this.#reply
  }

  async #until(condition: () => boolean): Promise<void> {
    const deadline = performance.now() + patience
    while (!condition()) {
      const left = deadline - performance.now()
      if (left <= 0) throw new Error(`nothing came in ${patience} ms; received: ${JSON.stringify(this.#received)}`)
      await new Promise<void>((resolve) => {
        this.#changed = resolve
        setTimeout(resolve, Math.min(left, 10))
      })
    }
  }
}

function check(holds: boolean, instead: string): void {
  if (!holds) throw new Error(`came out otherwise:\n${instead}`)
}
