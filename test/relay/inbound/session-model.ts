/**
 * A submission session as the standards (RFC 5321, 4954, 3207, 2920, 1870, 6152, 6531, 6409) and the cases of docs/reliability.md have
 * it, and not as relay/inbound/ does: to each line the replies that are right. A line that breaks several rules may be refused for any
 * of them, unless its place in the session forbids to look at the rest of it (`gates`).
 */
import { bareNewline, type Content, messageBytes } from './session-contents.ts'
import { error, type Line, last, type Refusal, refused, type Verb } from './session-lines.ts'
import { challengeOf, type Login, type Step, stepsOf, stepsOfAuth } from './session-login.ts'

/** What a session may have: errors and idle commands since its last accepted message (P32), failed logins (A08), and messages. */
export const most = { errors: 10, idle: 100, failedLogins: 3, messages: 3, recipients: 2 } as const

/** One of the replies that are right: what its last line begins with, and, for EHLO, exactly what it offers. */
export type Outcome = {
  readonly says: string
  readonly offers?: readonly string[]
  readonly take: (reply: string) => void
}

/** A message that has to be in the spool. Texts have one character for each octet. */
export type Queued = {
  readonly queueId: string
  readonly reversePath: string
  readonly forwardPaths: readonly string[]
  readonly body: '7BIT' | '8BITMIME'
  readonly smtpUtf8: boolean
  /** What is asked of reports (RFC 3461 section 4): absent, where it is nothing. */
  readonly wishes?: object
  readonly helo: string
  /** Behind our Received, and what was added. */
  readonly kept: string
}

type Mail = Pick<Queued, 'reversePath' | 'smtpUtf8' | 'body'> & {
  /** As each was written first, by the mailbox that it means, with the parameters that it was named with then. */
  readonly recipients: Map<string, { readonly path: string; readonly parameters: string }>
  /** Of MAIL. */
  readonly parameters: string
  anyRefused: boolean
}

type Rule = (s: SessionModel, line: Line, isLast: boolean) => Refusal | undefined | false

const helloFirst: Rule = (s) => s.helo === '' && error('503 5.5.1') // RFC 5321 section 4.1.4
const mailFirst: Rule = (s) => !s.mail && (s.mailRefused ? refused : error)('503 5.5.1')
const usedUp: Rule = (s) => s.messages === most.messages && last('421 4.7.0')
const tooIdle: Rule = (s) => s.idle > most.idle && last('421 4.7.0')
const outOfTurn: Rule = (_, __, isLast) => !isLast && last('554 5.5.0')
const beyondAscii: Rule = (s, { what, parameters }) =>
  isBeyondAscii(what) && !s.mail?.smtpUtf8 && !parameters.includes('SMTPUTF8') && refused('553 5.6.7') // P35
const tooMany: Rule = ({ mail }, { mailbox }) =>
  mail?.recipients.size === most.recipients && !mail.recipients.has(mailbox) && refused('452 4.5.3')
const noRecipient: Rule = ({ mail }) =>
  mail?.recipients.size === 0 && (mail.anyRefused ? refused('554 5.5.1') : error('503 5.5.1')) // P27

/** Where one of these refuses, nothing else of the command is looked at. */
const gates: Partial<Record<Verb, readonly Rule[]>> = {
  AUTH: [helloFirst, (s) => !s.tls && error('538 5.7.11')],
  MAIL: [helloFirst, (s) => !s.tls && error('530 5.7.0'), (s) => !s.login && error('530 5.7.0')],
  RCPT: [helloFirst, mailFirst],
  DATA: [outOfTurn], // RFC 2920 section 3.1, P18
}
const rules: Partial<Record<Verb, readonly Rule[]>> = {
  STARTTLS: [outOfTurn, (s) => s.tls && error('503 5.5.1')], // T01, T04
  AUTH: [(s) => s.login && error('503 5.5.1')],
  MAIL: [(s) => s.mail && error('503 5.5.1'), usedUp, beyondAscii],
  RCPT: [tooMany, beyondAscii],
  DATA: [helloFirst, mailFirst, noRecipient],
}
const idle: ReadonlySet<Verb | undefined> = new Set(['HELLO', 'RSET', 'NOOP', 'VRFY', 'HELP'])

const replies: Readonly<Record<Exclude<Verb, 'AUTH'>, string>> = {
  ...{ HELLO: '250', STARTTLS: '220 2.0.0', MAIL: '250 2.1.0', RCPT: '250 2.1.5', DATA: '354 ', RSET: '250 2.0.0' },
  ...{ NOOP: '250 2.0.0', VRFY: '252 2.0.0', HELP: '214 2.0.0', QUIT: '221 2.0.0' },
}

export class SessionModel {
  readonly #normalises: boolean
  tls: boolean
  helo = ''
  login = false
  mail: Mail | undefined
  /** The last MAIL of who had logged in was refused, so what comes behind it is no error of its own (P32). */
  mailRefused = false
  idle = 0
  messages = 0
  /** What comes next is the answer in this login, or is content. */
  #login: Login | undefined
  inContent = false
  hasEnded = false
  readonly queued: Queued[] = []
  /** What each line of the log begins with: its message, and the reply or the queue id in it. */
  readonly log: string[] = []
  #errors = 0
  #failedLogins = 0

  /** The Implicit listener normalises bare newlines, the other one refuses them. */
  constructor(isImplicit: boolean) {
    this.tls = isImplicit
    this.#normalises = isImplicit
  }

  /** The replies to one line that are right. `isLast`: nothing else came in one piece with it. */
  answers(line: Line, isLast: boolean): readonly Outcome[] {
    if (this.#login) return this.#ofLogin(stepsOf(line.text, this.#login))
    const { verb } = line
    if (idle.has(verb)) this.idle++
    const broken = (some: readonly Rule[] = []): readonly Refusal[] =>
      some.flatMap((rule) => rule(this, line, isLast) || [])
    const ofIdle = idle.has(verb) ? [usedUp, tooIdle] : []
    const [gate, rule] = verb === undefined ? [[], []] : [broken(gates[verb]), broken(rules[verb])]
    const wrong = gate.length > 0 ? gate : [...broken(ofIdle), ...rule, ...line.wrong]
    if (verb === undefined || wrong.length > 0) return this.refusals({ verb, wrong })
    return verb === 'AUTH' ? this.#ofLogin(stepsOfAuth(line.text)) : [this.#done(verb, line)]
  }

  /** Whether a line is refused together with all that came in one piece with it. */
  isFault({ isFault }: Line, isFirst: boolean): boolean {
    return isFault === true || (isFault !== false && !(isFirst && this.#login))
  }

  /** To be refused for any one of these; the tenth error is told as that. */
  refusals({ verb, wrong }: Pick<Line, 'verb' | 'wrong'>): readonly Outcome[] {
    return wrong.map((one) => {
      const isTooMany = one.isError === true && this.#errors === most.errors - 1
      const says = isTooMany ? '421 4.7.0 too many errors' : one.reply
      // Which of several it was that came in its place, the reply does not say.
      const instead = wrong.length === 1 ? one.reply : ''
      return { says, take: (reply) => this.#refuse(verb, one, isTooMany ? [instead, reply] : [reply]) }
    })
  }

  #refuse(verb: Verb | undefined, { isError, ends }: Refusal, told: readonly string[]): void {
    const isTooMany = told.length > 1
    this.log.push(...told.map((reply) => `refused ${reply}`))
    // A password that came in clear is told as a failed login, since others may know it now (A02).
    if (verb === 'AUTH' && !this.tls) this.log.splice(-told.length, 1, 'authentication failed')
    if (isError) this.#errors++
    if (verb === 'MAIL') this.mailRefused = this.login
    if (verb === 'RCPT' && this.mail) this.mail.anyRefused = true
    if (ends || isTooMany) this.hasEnded = true
  }

  #done(verb: Exclude<Verb, 'AUTH'>, line: Line): Outcome {
    const take = (): void => this.#do(verb, line)
    return { says: replies[verb], take, ...(verb === 'HELLO' && { offers: this.#offers(line.text) }) }
  }

  /** RFC 5321 section 4.1.1.1; AUTH under TLS only, and not twice (RFC 4954 section 4). */
  #offers(text: string): readonly string[] {
    if (/^HELO/i.test(text)) return []
    const always = ['PIPELINING', '8BITMIME', 'SMTPUTF8', 'DSN', 'ENHANCEDSTATUSCODES', `SIZE ${messageBytes}`, 'HELP']
    if (!this.tls) return [...always, 'STARTTLS']
    return this.login ? always : [...always, 'AUTH PLAIN LOGIN']
  }

  #do(verb: Exclude<Verb, 'AUTH'>, { what, mailbox, parameters }: Line): void {
    switch (verb) {
      case 'HELLO': // RFC 5321 section 4.1.4: as RSET
        this.helo = what
        this.#reset()
        return
      case 'RSET':
        this.#reset()
        return
      case 'STARTTLS': // RFC 3207 section 4.2: what was said in clear is forgotten
        this.tls = true
        this.helo = ''
        return
      case 'MAIL': {
        const body = parameters.includes('BODY=8BITMIME') ? '8BITMIME' : '7BIT'
        const smtpUtf8 = parameters.includes('SMTPUTF8')
        const reversePath = inBrackets(what)
        this.#reset()
        this.mail = { reversePath, smtpUtf8, body, parameters, recipients: new Map(), anyRefused: false }
        return
      }
      case 'RCPT': // one that is named again counts once, as it was written first (M25)
        if (!this.mail?.recipients.has(mailbox))
          this.mail?.recipients.set(mailbox, { path: inBrackets(what), parameters })
        return
      case 'DATA':
        this.inContent = true
        return
      case 'QUIT':
        this.hasEnded = true
        return
      default: // does nothing
    }
  }

  #reset(): void {
    this.mail = undefined
    this.mailRefused = false
  }

  #ofLogin(steps: readonly Step[]): readonly Outcome[] {
    return steps
      .flatMap((step) => this.#ofStep(step))
      .map(({ says, take }) => ({
        says,
        take: (reply) => {
          this.#login = undefined
          take(reply)
        },
      }))
  }

  #ofStep(step: Step): readonly Outcome[] {
    switch (step.kind) {
      case 'refused':
        return this.refusals({ verb: 'AUTH', wrong: [error(step.reply)] })
      case 'ask':
        return [{ says: `334 ${challengeOf(step.login)}\r\n`, take: () => this.#ask(step.login) }]
      case 'in':
        return [{ says: '235 2.7.0', take: () => this.#logIn() }]
      case 'failed': {
        const isLast = this.#failedLogins === most.failedLogins - 1
        return [{ says: isLast ? '421 4.7.0 too many failed logins' : '535 5.7.8', take: () => this.#fail(isLast) }]
      }
    }
  }

  #ask(login: Login): void {
    this.#login = login
  }

  #logIn(): void {
    this.login = true
    this.log.push('authenticated')
  }

  #fail(isLast: boolean): void {
    this.#failedLogins++
    this.log.push('authentication failed')
    this.hasEnded = isLast
  }

  /** The replies behind the dot that are right. */
  verdicts(mail: Mail, content: Content): readonly Outcome[] {
    const unagreed = isBeyondAscii(content.from) && !mail.smtpUtf8 ? [refused('553 5.6.7')] : []
    const wrong = content.wrong.filter((one) => !(one === bareNewline && this.#normalises))
    const refusals = this.refusals({ verb: undefined, wrong: [...wrong, ...unagreed] })
    const outcomes = refusals.length > 0 ? refusals : [this.#accepted(mail, content)]
    return outcomes.map(({ says, take }) => ({
      says,
      take: (reply) => {
        this.inContent = false
        this.#reset()
        take(reply)
      },
    }))
  }

  #accepted({ reversePath, smtpUtf8, body, parameters, recipients }: Mail, { octets, kept }: Content): Outcome {
    const says = '250 2.0.0 queued as '
    const take = (reply: string): void => {
      const queueId = reply.slice(says.length)
      const named = [...recipients.values()]
      const forwardPaths = named.map(({ path }) => path)
      const isEightBit = isBeyondAscii(octets) || body === '8BITMIME' // RFC 6152 section 3
      const wishes = wishesIn(parameters, named)
      const envelope = { queueId, reversePath, forwardPaths, smtpUtf8, helo: this.helo, ...wishes }
      this.queued.push({ ...envelope, body: isEightBit ? '8BITMIME' : '7BIT', kept: normalised(kept) })
      this.log.push(`accepted ${queueId}`)
      this.messages++
      this.#errors = 0
      this.idle = 0
    }
    return { says, take }
  }

  /** The client has gone: without a QUIT nothing of what it had not finished is kept (P36). */
  left(): void {
    if (!this.hasEnded && this.mail) this.log.push('abandoned by the client')
    this.hasEnded = true
  }
}

/** Each line has one parameter that asks for something, at most, and this by its word alone. */
function wishesIn(ofMail: string, recipients: readonly { readonly parameters: string }[]): Pick<Queued, 'wishes'> {
  const ofMessage = Object.assign({}, ...[ret, envid].map((one) => one.exec(ofMail)?.groups ?? {}))
  const asked = recipients.flatMap(({ parameters }, position) => {
    const { list, orcpt } = /NOTIFY=(?<list>.*)|ORCPT=(?<orcpt>.*)/.exec(parameters)?.groups ?? {}
    const wish = { ...(list && { notify: list.split(',') }), ...(orcpt && { orcpt }) }
    return list || orcpt ? [[position, wish]] : []
  })
  const all = { ...ofMessage, ...(asked.length > 0 && { recipients: Object.fromEntries(asked) }) }
  return Object.keys(all).length === 0 ? {} : { wishes: all }
}
const ret = / RET=(?<ret>FULL|HDRS)/
const envid = / ENVID=(?<envid>\S+)/

export const isBeyondAscii = (text: string): boolean => /[^\0-\x7f]/.test(text)
/** With CR LF at the end of each line (decision 0012); of a text that has no other line ends, the text itself. */
const normalised = (text: string): string => text.replace(/\r\r\n|\r\n|\r|\n/g, '\r\n')
const inBrackets = (path: string): string => path.slice(path.indexOf('<') + 1, path.lastIndexOf('>'))
