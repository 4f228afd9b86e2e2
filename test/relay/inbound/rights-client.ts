/** A client that sends its messages one after the other, and knows at each step what it has to hear. */
import { expect } from 'vitest'
import type { Count } from '../limits/ledger-model.ts'
import { heard } from './heard-rule.ts'
import { inTurns } from './in-turns.ts'
import { clientsOfRights, factsOf, linesOf } from './rights-claims.ts'
import { countsOf, fullBy, limitsOf } from './rights-counts.ts'
import { atTheDot } from './rights-dot.ts'
import * as rules from './rights-model.ts'
import type { Scene } from './rights-scene.ts'
import type { AtTheDot, Message, Plan } from './rights-story.ts'
import { type Person, redirectTo } from './rights-world.ts'
import { SessionClient } from './session-client.ts'

type Stage = 'away' | 'greeted' | 'hailed' | 'secured' | 'ready' | 'mail' | 'content'
export class Client {
  readonly #scene: Scene
  readonly #plan: Plan
  #stage: Stage = 'away'
  #line: SessionClient | undefined
  #handshake: rules.Handshake
  #login: rules.Login | undefined
  #failedLogins = 0
  #tries = 0
  #messages = 0
  #at = 0
  #asked = 0
  #accepted: string[] = []
  /** As DATA was said, a message could have so many octets. */
  #messageBytes = 0
  /** What a content may be refused for that was not right at some time since it began. */
  #was: string[] = []

  constructor(scene: Scene, plan: Plan) {
    this.#scene = scene
    this.#plan = plan
  }

  get transcript(): readonly string[] {
    return this.#line?.transcript ?? []
  }

  get isThere(): boolean {
    return this.#stage !== 'away'
  }

  /** The world or the clock has changed. */
  noticed(): void {
    if (this.#stage === 'content' && this.#login)
      this.#was.push(...rules.ofMessage(this.#scene.moment, this.#session, this.#login, this.#mail))
  }

  async next(trouble?: AtTheDot): Promise<void> {
    switch (this.#stage) {
      case 'away':
        return this.#connect()
      case 'greeted':
        return this.#hail('STARTTLS')
      case 'hailed':
        return this.#secure()
      case 'secured':
        return this.#hail(`AUTH ${rules.mechanisms(this.#scene.moment, this.#handshake).join(' ')}`)
      case 'ready':
        return this.#tries < this.#plan.identity.logins.length && !this.#login ? this.#logIn() : this.#beginMail()
      case 'mail':
        return this.#asked < this.#message.forwardPaths.length ? this.#nameOne() : this.#data()
      case 'content':
        return this.#end(trouble)
    }
  }

  async leave(): Promise<void> {
    if (this.#stage === 'away') return
    this.#line?.destroy()
    await this.#over()
  }

  get #session(): rules.Session {
    return { handshake: this.#handshake, messages: this.#messages }
  }
  get #message(): Message {
    const { messages } = this.#plan
    const message = messages[this.#at % messages.length]
    if (!message) throw new Error('a plan has messages')
    return message
  }
  /** With the recipients that were accepted. */
  get #mail(): rules.Mail {
    return { ...this.#message, forwardPaths: this.#accepted }
  }
  get #person() {
    return this.#login && this.#scene.world.people[this.#login.name]
  }

  async #connect(): Promise<void> {
    const { fleet, open, world } = this.#scene
    const { relay, isImplicit, identity } = this.#plan
    const isOneTooMany = (open[relay] ?? 0) >= world.connectionsPerClient
    const broken = [
      ...rules.ofClient(this.#scene.moment),
      ...(isOneTooMany ? ['421 admission.limits.connectionsPerClient'] : []),
    ]
    const { shown } = await clientsOfRights()
    const port = fleet.relays[relay]?.port(isImplicit ? 'submissions' : 'submission') ?? 0
    const certificate = identity.certificate && shown[identity.certificate]
    this.#handshake = undefined
    this.#login = undefined
    this.#failedLogins = this.#tries = this.#messages = 0
    const connecting = SessionClient.connect(port, fleet.ca, isImplicit, certificate)
    if (isImplicit && broken.length > 0) {
      // Before TLS no reply can be said.
      await expect(connecting).rejects.toThrow()
      await this.#settled()
      return
    }
    this.#line = await connecting
    open[relay] = (open[relay] ?? 0) + 1
    if (isImplicit) this.#shake()
    const lacking = isImplicit ? rules.lacking(this.#scene.moment, this.#handshake) : []
    const refused = await this.#hear('220', [...broken, ...lacking])
    if (refused) return this.#over()
    this.#stage = isImplicit ? 'secured' : 'greeted'
  }

  /** What a handshake has shown to each side. */
  #shake(): void {
    const { fleet, world } = this.#scene
    const { certificate } = this.#plan.identity
    const facts = certificate && factsOf(certificate)
    const isTrusted = facts !== undefined && world.authorities.includes(facts.authority)
    this.#handshake = world.asks === 'nobody' ? undefined : { certificate: facts, isTrusted }
    expect(this.#line?.certificate?.fingerprint256).toBe(fleet.shownBy(world.shows))
  }

  async #hail(offers: string): Promise<void> {
    const isSecured = this.#stage === 'secured'
    await this.#say('EHLO client.example')
    if (isSecured && (await this.#lacks())) return
    const reply = (await this.#line?.reply()) ?? []
    expect(reply.map((line) => line.slice(4))).toEqual(
      expect.arrayContaining([offers, `SIZE ${this.#scene.world.messageBytes}`]),
    )
    this.#stage = isSecured ? 'ready' : 'hailed'
  }

  async #secure(): Promise<void> {
    await this.#say('STARTTLS')
    await this.#hear('220', [])
    await this.#line?.secure()
    this.#shake()
    this.#stage = 'secured'
  }

  async #logIn(): Promise<void> {
    const claim = this.#plan.identity.logins[this.#tries++]
    if (!claim) throw new Error('a login is tried that is none')
    const found = rules.judged(this.#scene.moment, this.#handshake, claim)
    const [first, ...others] = linesOf(claim)
    await this.#say(first)
    if (await this.#lacks()) return
    for (const line of found.includes('504 always.syntax') ? [] : others) {
      await this.#hear('334', [])
      await this.#say(line)
    }
    const broken = this.#ofLogin(found)
    if (claim.by === 'OAUTHBEARER' && broken[0]?.startsWith('535')) {
      await this.#hear('334', [])
      await this.#say('AQ==')
    }
    const refused = await this.#hear('235', broken)
    if (refused) return this.#goOn(refused)
    this.#login = { name: found as rules.Login['name'], claim }
  }

  /** The third failed login ends a session. */
  #ofLogin(found: string | readonly string[]): readonly string[] {
    if (typeof found === 'string') return []
    if (found.includes('504 always.syntax')) return found
    this.#failedLogins++
    return this.#failedLogins === 3 ? ['421 admission.authFailures'] : found
  }

  /** MAIL is the login of who has shown a certificate and has not said AUTH. */
  #unasked(): readonly string[] {
    if (this.#login) return []
    if (!this.#handshake?.certificate) return ['530 always.authentication']
    const claim = { by: 'EXTERNAL', username: '' } as const
    const found = rules.judged(this.#scene.moment, this.#handshake, claim)
    const broken = this.#ofLogin(found)
    if (broken.length === 0) this.#login = { name: found as rules.Login['name'], claim }
    return broken
  }

  async #beginMail(): Promise<void> {
    await this.#say(`MAIL FROM:<${this.#message.reversePath}>`)
    if (await this.#lacks()) return
    const unasked = this.#unasked()
    const broken = this.#login
      ? [
          ...rules.ofClient(this.#scene.moment),
          ...this.#usedUp(),
          ...this.#ofPerson((person) => rules.ofMail(this.#scene.moment, person, this.#message)),
        ]
      : unasked
    const { must, may } = this.#limits(1)
    const refused = await this.#hear('250', [...broken, ...(this.#login ? must : [])], may)
    if (!refused) {
      this.#stage = 'mail'
      this.#accepted = []
      this.#asked = 0
      return
    }
    this.#at++
    await this.#goOn(refused, this.#login === undefined || /^(535|454|530)/.test(refused))
  }

  async #nameOne(): Promise<void> {
    const path = this.#message.forwardPaths[this.#asked++] ?? ''
    await this.#say(`RCPT TO:<${path}>`)
    if (await this.#lacks()) return
    const others = this.#accepted.length
    const broken = this.#ofPerson((person) => rules.ofRecipient(this.#scene.moment, person, path, others))
    const full = fullBy(this.#scene, this.#plan.relay, this.#counts(''), others)
    const refused = await this.#hear('250', [...broken, ...full], this.#ofOpening())
    if (!refused) this.#accepted.push(path)
    else if (refused.startsWith('421')) await this.#over()
  }

  async #data(): Promise<void> {
    const isEmpty = this.#accepted.length === 0
    await this.#say(isEmpty ? 'RSET' : 'DATA')
    if (await this.#lacks()) return
    if (isEmpty) {
      const refused = await this.#hear('250', this.#usedUp())
      this.#at++
      this.#stage = 'ready'
      return refused ? this.#over() : undefined
    }
    const { must, may } = this.#limits(this.#accepted.length)
    const refused = await this.#hear('354', [...this.#ofPerson(() => []), ...must], [...may, ...this.#ofOpening()])
    if (refused) {
      // The transaction is still open, and this client has done with it.
      this.#at++
      return refused.startsWith('421') ? this.#over() : this.#quit()
    }
    this.#stage = 'content'
    this.#messageBytes = this.#scene.world.messageBytes
    this.#was = []
    this.noticed()
    await this.#say(contentOf(this.#message))
  }

  async #end(trouble: AtTheDot | undefined): Promise<void> {
    const { fleet, ledger, judge } = this.#scene
    const { relay } = this.#plan
    const number = this.#accepted.length
    const broken = [...this.#tooLarge(), ...this.#brokenNow()]
    const counts = this.#counts(this.#owner())
    const isClear = broken.length === 0 && this.#was.length === 0
    const isAsked = isClear && counts.length > 0 && judge === 'store'
    const meets = isClear ? trouble : undefined
    const kept = this.#spool.kept.length
    const { by, failing } = await atTheDot(this.#scene, relay, meets, isAsked, () => this.#say('.'))
    if (fleet.store.hasLost) for (const count of counts.slice(0, 1)) ledger.lose(count, number)
    fleet.store.hasLost = false
    const { over, passed } = ledger.judge(by, relay, counts, number)
    const must = [broken, over, this.#brokenNow(), failing].find((some) => some.length > 0) ?? []
    const refused = await this.#hear('250', must, this.#was)
    this.#spool.failing = undefined
    const isCounted = broken.length + over.length === 0 && !(refused && this.#was.includes(refused))
    for (const count of isCounted ? passed : []) {
      ledger.take(by, relay, count, number)
      if (refused) ledger.giveBack(by, relay, count, number)
    }
    await this.#ended(refused, kept)
  }

  #tooLarge(): readonly string[] {
    return contentOf(this.#message).length + 2 > this.#messageBytes ? ['552 admission.limits.messageSize'] : []
  }

  async #ended(refused: string | undefined, kept: number): Promise<void> {
    expect(this.#spool.kept.length - kept).toBe(refused ? 0 : 1)
    if (!refused) this.#expectKept()
    this.#at++
    this.#was = []
    this.#stage = 'ready'
    if (refused) await this.#goOn(refused, /^(535|454)/.test(refused))
  }

  #expectKept(): void {
    const { world } = this.#scene
    this.#messages++
    const isRedirected = world.mode === 'Redirect'
    const owner = this.#owner()
    const envelope = this.#spool.kept.at(-1)?.message.envelope
    expect(envelope).toMatchObject({
      credential: `apps/${this.#login?.name}`,
      reversePath: this.#message.reversePath,
      disposition: world.mode === 'Capture' ? 'capture' : 'relay',
      forwardPaths: isRedirected ? [redirectTo] : this.#accepted,
      fromDomain: rules.domainOf(this.#message.from),
    })
    expect(envelope?.redirectedFrom).toEqual(isRedirected ? this.#accepted : undefined)
    expect(envelope?.signingDomain).toBe(owner === '' ? undefined : owner)
  }

  get #relay() {
    const relay = this.#scene.fleet.relays[this.#plan.relay]
    if (!relay) throw new Error('there is no such relay')
    return relay
  }
  get #spool() {
    return this.#relay.spool
  }
  #brokenNow(): readonly string[] {
    return this.#login ? rules.ofMessage(this.#scene.moment, this.#session, this.#login, this.#mail) : []
  }
  /** The sender domain of the From; empty where it is not of this credential. */
  #owner(): string {
    const person = this.#person
    return person && rules.owns(person, this.#message.from) ? rules.domainOf(this.#message.from) : ''
  }
  #ofPerson(more: (person: Person) => readonly string[]): readonly string[] {
    const person = this.#person
    return [
      ...(this.#login ? rules.stillIn(this.#scene.moment, this.#handshake, this.#login) : []),
      ...(person ? more(person) : []),
    ]
  }
  /** What MAIL has asked for already may be asked for again at a later command. */
  #ofOpening(): readonly string[] {
    return [
      ...rules.ofClient(this.#scene.moment),
      ...this.#ofPerson((person) => rules.ofMail(this.#scene.moment, person, this.#message)),
    ]
  }

  #usedUp(): readonly string[] {
    const isUsedUp = this.#messages >= this.#scene.world.messagesPerConnection
    return isUsedUp ? ['421 admission.limits.messagesPerConnection'] : []
  }

  /** `owner`: of the From; undefined, it is not known yet, and nothing is counted by it. */
  #counts(owner: string | undefined): readonly Count[] {
    return this.#login && this.#person ? countsOf(this.#scene.pace, this.#login.name, this.#person, owner) : []
  }

  #limits(recipients: number) {
    return limitsOf(this.#scene, this.#plan.relay, this.#counts(undefined), recipients)
  }

  async #say(line: string): Promise<void> {
    await this.#line?.send(`${line}\r\n`, [], false)
  }
  async #hear(good: string, must: readonly string[], may: readonly string[] = []): Promise<string | undefined> {
    return heard((await this.#line?.reply())?.at(-1) ?? 'nothing', good, must, may)
  }
  /** Whether the listener requires a certificate that this client lacks: that is then the last reply. */
  async #lacks(): Promise<boolean> {
    const lacking = rules.lacking(this.#scene.moment, this.#handshake)
    if (lacking.length === 0) return false
    await this.#hear('nothing', lacking)
    await this.#over()
    return true
  }

  async #goOn(refused: string, isDone = false): Promise<void> {
    if (refused.startsWith('421')) return this.#over()
    if (isDone) await this.#quit()
  }

  async #quit(): Promise<void> {
    await this.#say('QUIT')
    await this.#hear('221', [])
    await this.#over()
  }

  async #over(): Promise<void> {
    const { relay } = this.#plan
    expect(await this.#line?.rest()).toBe('')
    this.#line?.destroy()
    this.#scene.log.push(...this.transcript)
    this.#line = undefined
    this.#stage = 'away'
    this.#scene.open[relay] = (this.#scene.open[relay] ?? 0) - 1
    await this.#settled()
  }

  async #settled(): Promise<void> {
    const { open } = this.#scene
    const { relay } = this.#plan
    await inTurns('the session has ended', () => this.#relay.submission.sessions === open[relay])
  }
}

/** Without its last line end. */
const contentOf = ({ from, isBig }: Message): string =>
  `From: <${from}>\r\nSubject: x\r\n\r\n${'x'.repeat(isBig ? 400 : 10)}`
