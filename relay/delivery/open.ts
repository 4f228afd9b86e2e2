/** Opens a connection to a smarthost: connect, banner, EHLO, STARTTLS, AUTH; TLS before anything is said that matters. */
import type { Socket } from 'node:net'
import { type SecureContext, TLSSocket } from 'node:tls'
import { plainHost } from '../mail/plain-host.ts'
import { type Lookup, lookupIn } from './addresses.ts'
import { type Answer, type Cause, noAnswer, none, type WireReply } from './answer.ts'
import { type Login, loginDialogs, withoutSecrets } from './auth.ts'
import { type Capabilities, capabilitiesOf } from './capabilities.ts'
import { faultAt } from './classify.ts'
import { Client, isFinal, isPositive } from './client.ts'
import { connectTo } from './connect.ts'
import type { FailedAddresses } from './failed-addresses.ts'
import { startTls, tlsPolicies } from './secure.ts'
import type { Deadlines, Stage } from './stage.ts'
import type { Target } from './target.ts'
import { Wire } from './wire.ts'

export type Opened =
  | { readonly kind: 'open'; readonly client: Client }
  /** `withoutTls`: what failed when TLS was tried, before this failed in clear. */
  | { readonly kind: 'failed'; readonly stage: Stage; readonly answer: Answer; readonly withoutTls?: string }

/** What all connections of the process share. */
export type Surroundings = {
  readonly lookup: Lookup
  readonly deadlines: Deadlines
  /** When it resolves, all that is on its way stands in the file of open attempts; absent: there is none. */
  readonly noted?: () => Promise<void> | undefined
}
/** And what all connections to one host share. */
type HostSurroundings = Surroundings & { readonly addresses: FailedAddresses }

class StageFailed extends Error {
  readonly stage: Stage
  readonly answer: Answer
  constructor(stage: Stage, answer: Answer) {
    super(stage)
    this.stage = stage
    this.answer = answer
  }
}

/** `withoutTls`: what failed when TLS was tried; this connection is in clear. */
type Tried = Target & { readonly withoutTls?: string }

/** Never throws for what a smarthost does; `signal` ends it at once. */
export async function openClient(
  target: Target,
  context: () => SecureContext,
  around: HostSurroundings,
  signal: AbortSignal,
): Promise<Opened> {
  const opened = await openOnce(target, context, around, signal)
  const isTlsTrouble = opened.kind === 'failed' && (opened.stage === 'TLS' || opened.stage === 'STARTTLS')
  if (!isTlsTrouble || target.smarthost.tls.mode !== 'Opportunistic') return opened
  // A server that offers TLS and fails at it gets the mail as if it had offered none (RFC 7435 section 3).
  const smarthost = { ...target.smarthost, tls: { mode: 'Disabled' } as const }
  const withoutTls = faultAt(opened.stage, opened.answer)
  const inClear = await openOnce({ ...target, smarthost, withoutTls }, context, around, signal)
  return inClear.kind === 'open' ? inClear : { ...inClear, withoutTls }
}

async function openOnce(
  target: Tried,
  context: () => SecureContext,
  around: HostSurroundings,
  signal: AbortSignal,
): Promise<Opened> {
  const opening = new Opening(target, context, around, signal)
  const abandon = (): void => opening.abandon()
  signal.addEventListener('abort', abandon)
  try {
    return { kind: 'open', client: await opening.run() }
  } catch (error) {
    abandon()
    if (!(error instanceof StageFailed)) throw error
    const { stage, answer } = error
    if (signal.aborted) return { kind: 'failed', stage, answer: withdrawn }
    if (isOfAddress(target, stage)) around.addresses.failed(opening.address)
    return { kind: 'failed', stage, answer }
  } finally {
    signal.removeEventListener('abort', abandon)
  }
}

export const withdrawn = none('withdrawn', 'we closed the connection')

/** Whether the failure counts against the address. Not that of optional TLS: a connection in clear to the same address follows. */
const isOfAddress = ({ smarthost }: Target, stage: Stage): boolean =>
  stage === 'banner' || stage === 'EHLO' || (stage !== 'connect' && tlsPolicies[smarthost.tls.mode].verified)

class Opening {
  readonly #target: Tried
  readonly #context: () => SecureContext
  readonly #around: HostSurroundings
  readonly #signal: AbortSignal
  #socket: Socket | undefined
  /** That it has connected to. */
  address = ''
  #wire: Wire | undefined
  readonly #began = performance.now()

  constructor(target: Tried, context: () => SecureContext, around: HostSurroundings, signal: AbortSignal) {
    this.#target = target
    this.#context = context
    this.#around = around
    this.#signal = signal
  }

  async run(): Promise<Client> {
    const { smarthost, helloName, missing, login, addresses, withoutTls } = this.#target
    if (missing !== undefined) throw new StageFailed('connect', none('unprepared', `the file ${missing} is not there`))
    const policy = tlsPolicies[smarthost.tls.mode]
    // Without them nobody can be verified, and so nobody is connected to.
    if (policy.verified) this.#roots()
    const { deadlines, addresses: failed } = this.#around
    const lookup = failed.behind(addresses === undefined ? this.#around.lookup : lookupIn(addresses))
    const connected = await connectTo({ ...smarthost, lookup, deadlineMs: deadlines.connect, signal: this.#signal })
    this.#socket = this.#socketOr('connect', connected)
    this.address = this.#socket.remoteAddress ?? ''
    if (policy.starts === 'atOnce') await this.#secure(this.#socket)
    this.#wire = new Wire(this.#socket, deadlines)
    await this.#hearBanner()
    let capabilities = await this.#hello()
    if (policy.starts === 'upgrade' && (policy.required || capabilities.startTls)) {
      await this.#upgrade(capabilities)
      // In TLS 1.3 our side of the handshake ends first: if the server refuses it, it says so only now (RFC 8446 section 2).
      capabilities = await this.#hello(true)
    }
    if (login !== undefined) await this.#logIn(login, capabilities)
    return new Client(
      this.#wire,
      helloName,
      capabilities,
      this.#socket instanceof TLSSocket ? (this.#socket.getProtocol() ?? '') : '',
      this.address,
      withoutTls,
    )
  }

  async #hearBanner(): Promise<void> {
    const answer = await this.#ask('', 'banner')
    expectPositive(
      answer.kind === 'none' && this.#mayWaitForTls(answer.cause)
        ? none(answer.cause, `${answer.why}; ${needsImplicit}`)
        : answer,
      'banner',
    )
  }

  /** It has said nothing at all, and for longer than who has no room for us. One that waits has less patience than we, mostly. */
  #mayWaitForTls(cause: Cause): boolean {
    const { smarthost, addresses } = this.#target
    // The mode is nobody's choice with an exchanger.
    if (smarthost.tls.mode === 'Implicit' || addresses !== undefined || this.#socket?.bytesRead !== 0) return false
    return cause === 'silent' || (cause === 'lost' && performance.now() - this.#began >= tlsWaitMs)
  }

  abandon(): void {
    if (this.#wire === undefined) this.#socket?.destroy()
    else this.#wire.quit()
  }

  /** What was said before TLS counts no more, and octets that came with the reply are an injection (RFC 3207 section 4.2). */
  async #upgrade(capabilities: Capabilities): Promise<void> {
    if (!capabilities.startTls) throw new StageFailed('STARTTLS', none('insecure', 'STARTTLS is not offered'))
    const reply = await this.#say('STARTTLS\r\n', 'STARTTLS')
    if (reply.code !== 220) throw new StageFailed('STARTTLS', none('malformed', `STARTTLS was answered ${reply.code}`))
    const injected = this.#wire?.broken
    if (injected !== undefined) throw new StageFailed('STARTTLS', injected)
    const plain = this.#wire?.detach()
    this.#wire = undefined
    if (plain !== undefined) await this.#secure(plain)
    if (this.#socket !== undefined) this.#wire = new Wire(this.#socket, this.#around.deadlines)
  }

  async #secure(plain: Socket): Promise<void> {
    const { host, tls } = this.#target.smarthost
    const { starts, verified } = tlsPolicies[tls.mode]
    const handshake = {
      host: plainHost(host),
      verified,
      upgraded: starts === 'upgrade',
      deadlineMs: this.#around.deadlines.TLS,
    }
    this.#socket = this.#socketOr('TLS', await startTls(plain, { ...handshake, context: this.#roots() }))
  }

  #roots(): SecureContext {
    try {
      return this.#context()
    } catch {
      throw new StageFailed(
        'connect',
        none('unprepared', `the file ${this.#target.smarthost.tls.caFile} holds no PEM certificates`),
      )
    }
  }

  #socketOr<S extends Socket>(stage: Stage, result: S | Answer): S {
    if ('kind' in result) throw new StageFailed(stage, result)
    return result
  }

  /**
   * A server that does not know EHLO, or can not list its extensions, has none (RFC 5321 section 3.2, RFC 1869 section 4.4): unless TLS
   * is needed, HELO follows any refusal for good, as with other clients. If nothing comes behind a handshake, that failed.
   */
  async #hello(behindHandshake = false): Promise<Capabilities> {
    const { helloName, smarthost } = this.#target
    const answer = await this.#ask(`EHLO ${helloName}\r\n`, 'EHLO')
    if (behindHandshake && answer.kind === 'none')
      throw new StageFailed('TLS', afterHandshake(answer.cause, answer.why))
    const isUnknown = isUnknownCommand(answer)
    if (!isUnknown && (tlsPolicies[smarthost.tls.mode].required || !isFinal(answer)))
      return capabilitiesOf(expectPositive(answer, 'EHLO'))
    const second = await this.#ask(`HELO ${helloName}\r\n`, 'EHLO')
    // Whoever refuses us has said why to EHLO, and may then only hang up.
    const { code, lines } = expectPositive(isUnknown || isPositive(second) ? second : answer, 'EHLO')
    return capabilitiesOf({ code, lines: lines.slice(0, 1) })
  }

  /** A password is said only where the certificate was verified, whatever the configuration says. */
  async #logIn(login: Login, capabilities: Capabilities): Promise<void> {
    if (!(this.#socket instanceof TLSSocket && this.#socket.authorized))
      throw new StageFailed('AUTH', none('insecure', 'no password is sent without verified TLS'))
    // It may repeat the password now, and at any time after.
    if (this.#wire !== undefined) this.#wire.clean = withoutSecrets(login)
    let refused: Answer | undefined = none('unauthenticated', 'neither AUTH PLAIN nor LOGIN is offered')
    for (const dialog of loginDialogs(capabilities, login)) {
      refused = await this.#refusalOf(dialog)
      if (!isUnknownMechanism(refused)) break
    }
    if (refused !== undefined) throw new StageFailed('AUTH', refused)
  }

  async #refusalOf(dialog: readonly string[]): Promise<Answer | undefined> {
    const last = dialog.length - 1
    for (const [i, line] of dialog.entries()) {
      const answer = await this.#ask(`${line}\r\n`, 'AUTH')
      if (!(i === last ? isPositive(answer) : isChallenge(answer))) return answer
    }
    return undefined
  }

  async #say(line: string, stage: Stage): Promise<WireReply> {
    return expectPositive(await this.#ask(line, stage), stage)
  }

  async #ask(line: string, stage: Stage): Promise<Answer> {
    const [answer] = (await this.#wire?.exchange(line, [stage])) ?? []
    return answer ?? noAnswer
  }
}

const tlsWaitMs = 5000
const needsImplicit = 'if it waits for TLS to begin, as at port 465, it needs tls.mode Implicit'

/** What is insecure has told of TLS, and of our side of the handshake. */
const afterHandshake = (cause: Cause, why: string): Answer =>
  none(cause, cause === 'insecure' ? why : `after the handshake: ${why}`)

function expectPositive(answer: Answer, stage: Stage): WireReply {
  if (answer.kind === 'reply' && isPositive(answer) && !isSecondGreeting(answer.reply, stage)) return answer.reply
  throw new StageFailed(stage, answer)
}

/** A proxy and the server behind it may both greet. Taken for the answer to EHLO, it would offer nothing, neither TLS nor a login. */
const isSecondGreeting = ({ code }: WireReply, stage: Stage): boolean => stage === 'EHLO' && code === 220

const isChallenge = (answer: Answer): boolean => answer.kind === 'reply' && answer.reply.code === 334

/** It does not have what it offers (RFC 4954 section 4), as one behind a proxy: nothing was said of the login. */
const isUnknownMechanism = (answer: Answer | undefined): boolean =>
  answer?.kind === 'reply' && answer.reply.code === 504

const isUnknownCommand = (answer: Answer): boolean =>
  answer.kind === 'reply' && (answer.reply.code === 500 || answer.reply.code === 502)
