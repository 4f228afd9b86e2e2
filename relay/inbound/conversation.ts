/** One session from its greeting to its end: asks each stage to decide, remembers what it decided, and logs it by the events. */
import { Alarm } from '../alarm.ts'
import type { Stage } from '../events.ts'
import type { Envelope } from '../mail/envelope.ts'
import { type Reply, reply } from '../mail/reply.ts'
import { type Refusal, refusal } from '../mail/rule.ts'
import type { Owner } from '../turns.ts'
import { authOutOfPlace, logIn } from './auth.ts'
import { canLogInByCertificate, certificateShown } from './client-certificate.ts'
import { admit } from './connect.ts'
import { openReception, type Reception } from './data.ts'
import { helloLines, readHello } from './hello.ts'
import type { Decision, Inbound } from './inbound.ts'
import { acceptanceCostMs, contentPace } from './limits.ts'
import { mailFrom } from './mail-from.ts'
import { Patience } from './pace.ts'
import { pathIn } from './path-line.ts'
import { rcptTo } from './rcpt-to.ts'
import { Recipients } from './recipients.ts'
import { Refusals } from './refusals.ts'
import { beginSasl, failureChallenge, type Mechanism, mechanismIn, mechanismsOffered, type SaslStep } from './sasl.ts'
import { factsOf, newSession, type Session, type Transaction } from './session.ts'
import { unserved } from './unserved.ts'
import type { Verb } from './verbs.ts'

/** What a conversation may do to its connection. A reply with 421 ends the connection in any case. */
export type Line = {
  /** Sends this reply, although the client has not asked for one, and ends the connection. */
  hangUp(last: Reply): void
  /** Ends the connection with 421: at once, or as soon as its transaction is over. */
  drain(): void
  /**
   * Ends it now, by 421 also within a transaction (RFC 5321 section 3.8). A client whose mail has come as a whole is told nothing: that
   * may still become ours, and is not to be sent again for a reply that says it did not.
   */
  cutOff(): void
  destroy(): void
}

export type AuthAnswer =
  | { readonly kind: 'challenge'; readonly challenge: string; readonly next: (line: string) => AuthAnswer }
  | { readonly kind: 'reply'; readonly reply: Reply }

const tookTooLong = refusal('admission.limits.transactionTime')
const tooSlowly = refusal('always.idle', 'the content comes too slowly')

const reversePathAccepted = reply(250, '1.0', 'reverse-path accepted')
const forwardPathAccepted = reply(250, '1.5', 'forward-path accepted')

export class Conversation {
  readonly #inbound: Inbound
  readonly #session: Session
  readonly #line: Line
  readonly #ended: () => void
  readonly #refusals: Refusals
  #reception: Reception | undefined
  readonly #patience = new Patience(contentPace, () => this.#giveUpOn(tooSlowly))
  /** The deadline of a transaction. */
  readonly #deadline = new Alarm(() => this.#giveUpOn(tookTooLong))
  #settling = false
  #hungUp = false
  #isPresent = true
  /** It has had its last reply, or its client is gone. */
  readonly #isOver = (): boolean => this.#hungUp || !this.#isPresent

  constructor(inbound: Inbound, who: Pick<Session, 'id' | 'listener' | 'client'>, line: Line, ended: () => void) {
    this.#inbound = inbound
    this.#session = newSession(who)
    this.#refusals = new Refusals(inbound.events, this.#session)
    this.#line = line
    this.#ended = ended
    inbound.presence.enter(this.#session.origin)
    // While the configuration names its listener: it may be gone before the client is greeted.
    unserved(inbound, this.#session)
  }

  get hostname(): string {
    return this.#config.hostname
  }

  /** The client has said EHLO or HELO, under TLS again. */
  get greeted(): boolean {
    return this.#session.helo !== ''
  }

  /** Nothing would be lost if the connection ended now. */
  get idle(): boolean {
    return !this.#session.transaction && !this.#settling
  }

  /** This session has not logged in, and nobody has from its address lately. */
  get isOfStranger(): boolean {
    return this.#owner().rank === 'stranger'
  }

  /** Calls `work` when it is this session's turn; `laterMs` is what it costs after it has returned. */
  inTurn(work: () => void, laterMs = 0): void {
    this.#inbound.turns.take(this.#owner(), work, laterMs)
  }

  /** A refusal, or undefined when the client is to be greeted. */
  connect(): Reply | undefined {
    this.#inbound.events.connected(factsOf(this.#session))
    return this.#sentAway()
  }

  /** For a client that begins with TLS: whether to cut it off before the handshake, since no reply can be said to it in clear. */
  unwanted(): boolean {
    return this.#sentAway() !== undefined
  }

  /** Who is sent away counts no more, though its connection ends a moment later: for that moment, others would be one too many as well. */
  #sentAway(): Reply | undefined {
    const refused = admit(this.#inbound, this.#session)
    if (refused) this.#leave()
    return refused && this.refuse('connect', refused)
  }

  #leave(): void {
    if (this.#isPresent) this.#inbound.presence.leave(this.#session.origin)
    this.#isPresent = false
  }

  /** Under TLS everything begins anew (RFC 3207 section 4.2). */
  secured(tls: string, certificate?: Session['certificate']): void {
    this.endTransaction()
    this.#session.tls = tls
    this.#session.certificate = certificate
    this.#session.helo = ''
    this.#session.login = undefined
  }

  /** The reply that ends the session in place of carrying this command out, where it has had all that a session may have. */
  command({ name, fate }: Verb): Reply | undefined {
    const isIdle = fate === 'idle'
    if (isIdle) this.#refusals.clientFaults.idled()
    if (this.#refusals.clientFaults.areTooMany) return this.refuse('connect', refusal('always.errors'))
    // Said at RSET, which Postfix sends before it reuses a connection: refused at MAIL only, its message would wait for minutes.
    const isUsedUp = this.#session.messages >= this.#config.limits.messagesPerConnection
    if (isIdle && isUsedUp) return this.refuse('connect', refusal('admission.limits.messagesPerConnection'))
    // A client under TLS without the certificate, or the version, that its listener requires may only say QUIT (RFC 3207 section 4.1).
    const lacking = name === 'QUIT' ? undefined : unserved(this.#inbound, this.#session)
    return lacking && this.refuse('connect', lacking)
  }

  /** The lines of the reply to EHLO, or the reply that refuses. */
  hello(line: string): readonly string[] | Reply {
    const read = readHello(line)
    if ('refusal' in read) return this.refuse('connect', read.refusal)
    this.endTransaction()
    this.#session.helo = read.host
    const {
      hostname,
      limits: { messageBytes },
      tokens,
    } = this.#config
    const certificate = canLogInByCertificate(this.#inbound, this.#session)
    const mechanisms = mechanismsOffered({ tokens: tokens !== undefined, certificate })
    return helloLines(this.#session, { hostname, messageBytes, mechanisms })
  }

  auth(line: string): AuthAnswer {
    const refused = authOutOfPlace(this.#session)
    if (refused && this.#session.tls === '') {
      // A password may have been sent in clear: that is logged as a failed login, not as a mere wrong order of commands.
      this.#inbound.events.authFailed(factsOf(this.#session), mechanismIn(line), 'plaintext', refused)
      return { kind: 'reply', reply: this.#refusals.lastWord(refused, 'auth') }
    }
    // EXTERNAL is taken wherever certificates are asked for, not only where it was offered: then the reply says what is wrong.
    const takes = { tokens: this.#config.tokens !== undefined, certificate: this.#session.certificate !== undefined }
    return this.#authStep(refused ? { kind: 'refused', refusal: refused } : beginSasl(line, takes))
  }

  /** Resolves when this session may begin its next message (headroom.ts); undefined: at once. */
  room(): Promise<void> | undefined {
    const { login } = this.#session
    return login && this.#inbound.headroom.enter(login.owner, this.#isOver)
  }

  mailFrom(line: string): Reply {
    const stranger = this.#logInUnasked()
    this.#refusals.mailRefused = stranger !== undefined
    if (stranger) return stranger
    const decision = mailFrom(this.#inbound, this.#session, line)
    this.#tellAudited('mail', decision, () => pathIn(line))
    this.#refusals.mailRefused = decision.kind === 'refused' && this.#session.login !== undefined
    if (decision.kind === 'refused') return this.refuse('mail', decision.refusal, pathIn(line))
    this.#session.transaction = {
      ...decision.value,
      recipients: new Recipients(this.#inbound.held.of(this.#session.login?.credential ?? '')),
      refusedPaths: 0,
      startedAt: performance.now(),
    }
    this.#deadline.set(this.#config.limits.transactionMs)
    return reversePathAccepted
  }

  rcptTo(line: string): Reply {
    const decision = rcptTo(this.#inbound, this.#session, line)
    const { transaction } = this.#session
    this.#tellAudited('rcpt', decision, () => pathIn(line))
    if (decision.kind === 'refused') {
      if (transaction) transaction.refusedPaths++
      return this.refuse('rcpt', decision.refusal, pathIn(line))
    }
    const { path, form, wish } = decision.value
    if (transaction?.recipients.add(path, form, wish) === false) this.#refusals.clientFaults.repeated()
    return forwardPathAccepted
  }

  /** A refusal, which is told when it is said, or undefined when the client is to send its content. */
  async data(): Promise<Refusal | undefined> {
    const decision = await openReception(this.#inbound, this.#session)
    if (decision.kind === 'refused') return decision.refusal
    this.#reception = decision.value
    this.#patience.begin()
    return undefined
  }

  /** From here on the client's patience runs: it was told to send its content, or what came is dealt with. */
  awaitContent(): void {
    this.#patience.wait()
  }

  /** A promise where the next octets are not to be taken yet. */
  content(octets: Buffer): Promise<void> | undefined {
    this.#patience.came(octets.length)
    const taken = this.#reception?.take(octets)
    if (taken !== undefined) return taken.then(() => this.awaitContent())
    this.awaitContent()
    return undefined
  }

  /** The reply after the final dot; undefined when the content belongs to nothing any more. */
  contentEnded(): Promise<Reply> | undefined {
    this.#patience.end()
    const reception = this.#reception
    const { transaction } = this.#session
    // A client that was told 421 will send the message again, so it must not become ours as well, although all of it is here.
    if (!reception || !transaction || this.#hungUp) return undefined
    // From here the message may become ours: neither the deadline nor a lost client stops it.
    this.#settling = true
    this.#reception = undefined
    this.endTransaction()
    return this.#inbound.settling.during(this.#settle(reception, transaction))
  }

  /** Forgets a content of which the rest does not come. */
  async abandon(): Promise<void> {
    this.#patience.over()
    const reception = this.#reception
    this.#reception = undefined
    await reception?.abort()
  }

  /** RSET, and what has its effect. */
  endTransaction(): void {
    this.#deadline.unset()
    if (!this.#settling) this.#session.transaction?.recipients.letGo()
    this.#session.transaction = undefined
    this.#refusals.mailRefused = false
  }

  /** Logs and counts a refusal, and returns the reply to give. */
  refuse(stage: Stage, refused: Refusal, path?: string): Reply {
    return this.#refusals.refuse(stage, refused, path)
  }

  /** TLS records came that say nothing, without end: those from its client's address are counted from now on, whoever logs in there. */
  saysNothing(): Refusal {
    this.#inbound.acquaintances.suspect(this.#session.origin)
    return refusal('always.errors')
  }

  /** An error of ours: the reply to give for it. */
  broken(error: unknown): Reply {
    this.#inbound.events.unexpected('submission', error)
    return this.refuse('connect', refusal('always.unavailable'))
  }

  /** The reply to a session that ends since the relay does. */
  shutDown(): Reply {
    return this.refuse('connect', refusal('always.shutdown'))
  }

  /** The connection ends by a reply of ours: nothing more is accepted, and its end is not logged as abandoned. */
  over(): void {
    this.#hungUp = true
  }

  /** `why`: the connection failed. A transaction that was open when the client left is logged as abandoned without it, too. */
  closed(why?: string): void {
    if (!this.#hungUp && (why !== undefined || this.#session.transaction)) {
      this.#inbound.events.abandoned(factsOf(this.#session), why ?? 'connection lost in a transaction')
    }
    this.#refusals.end()
    this.endTransaction()
    this.#deadline.end()
    this.#leave()
    this.#ended()
  }

  #owner(): Owner {
    const { login, origin } = this.#session
    return login?.owner ?? { rank: this.#inbound.acquaintances.has(origin) ? 'known' : 'stranger', name: origin }
  }

  get #config() {
    return this.#inbound.inForce().config
  }

  #authStep(step: SaslStep): AuthAnswer {
    switch (step.kind) {
      case 'challenge':
        return { ...step, next: (line) => this.#authStep(step.next(line)) }
      case 'refused':
        return { kind: 'reply', reply: this.refuse('auth', step.refusal) }
      case 'credentials':
        return explained(step.mechanism, this.#logIn(step))
      case 'external':
        return { kind: 'reply', reply: this.#logIn(step) }
    }
  }

  /** MAIL from a client that has shown a certificate logs it in by that: many such clients never send AUTH. */
  #logInUnasked(): Reply | undefined {
    const { login, certificate } = this.#session
    if (login || certificate === undefined || certificate === 'absent') return undefined
    const said = this.#logIn({ kind: 'external', mechanism: 'EXTERNAL', username: '' })
    return said.code === 235 ? undefined : said
  }

  #logIn(step: SaslStep & { readonly kind: 'credentials' | 'external' }): Reply {
    const { events } = this.#inbound
    const decision = logIn(this.#inbound, this.#session, step)
    if (decision.kind === 'accepted') {
      this.#session.login = decision.login
      this.#inbound.acquaintances.loggedIn(this.#session.origin)
      events.authenticated(factsOf(this.#session), step.mechanism, decision.login.credential, decision.key)
      return reply(235, '7.0', 'authenticated')
    }
    this.#session.failedLogins++
    const { credential } = decision
    const facts = {
      ...factsOf(this.#session),
      ...(credential !== undefined && { credential }),
      ...(step.kind === 'external' && certificateShown(this.#session)),
    }
    events.authFailed(facts, step.mechanism, decision.reason, decision.refusal)
    if (decision.locks) {
      this.#inbound.acquaintances.lockedOut(this.#session.origin)
      events.lockedOut(factsOf(this.#session), this.#config.authFailures.lockoutMs)
    }
    return decision.refusal.reply
  }

  #accepted(envelope: Envelope, startedAt: number): Reply {
    this.#refusals.forgive()
    this.#session.messages++
    this.#inbound.events.accepted(factsOf(this.#session), envelope, (performance.now() - startedAt) / 1000)
    return reply(250, '0.0', `queued as ${envelope.queueId}`)
  }

  #tellAudited(stage: Stage, { audited }: Decision<unknown>, path: () => string | undefined): void {
    for (const refused of audited) this.#inbound.events.audited(factsOf(this.#session), stage, refused, path())
  }

  /** One write to the disk makes many messages ours at once: each of them is answered when it is its session's turn. */
  async #settle(reception: Reception, { reversePath, recipients, startedAt }: Transaction): Promise<Reply> {
    let decision: Decision<Envelope>
    try {
      decision = await reception.settle()
      const turn = this.#inbound.turns.turn(this.#owner(), acceptanceCostMs)
      if (turn !== undefined) await turn
    } finally {
      this.#settling = false
      recipients.letGo()
    }
    this.#tellAudited('data', decision, () => reversePath)
    if (decision.kind === 'refused') return this.refuse('data', decision.refusal, reversePath)
    return this.#accepted(decision.value, startedAt)
  }

  #giveUpOn(slow: Refusal): void {
    if (!this.#hungUp) this.#line.hangUp(this.refuse('data', slow))
  }
}

/** The answer to credentials: where they failed for good (535), in the way of the mechanism. It is logged and counted already. */
function explained(mechanism: Mechanism, said: Reply): AuthAnswer {
  const challenge = said.code === 535 ? failureChallenge(mechanism) : undefined
  const last = { kind: 'reply', reply: said } as const
  return challenge === undefined ? last : { kind: 'challenge', challenge, next: () => last }
}
