/** DATA: takes the content, judges its header, and accepts the message only when the spool has made it durable. */
import type { CredentialConfig, ListenerConfig, RelayConfig } from '../config.ts'
import type { Envelope } from '../mail/envelope.ts'
import { type Refusal, refusal } from '../mail/rule.ts'
import { judgeConnect } from '../rules/connect.ts'
import { type HeaderVerdict, judgeHeader, judgeRead } from '../rules/content.ts'
import { type ContentFacts, readHeader, sendersIn } from '../rules/header-facts.ts'
import { judgeMailFrom } from '../rules/mail-from.ts'
import { judgeRcptTo } from '../rules/rcpt-to.ts'
import { type Incoming, SpoolError } from '../spool/spool.ts'
import { loginInForce } from './auth.ts'
import { Content, type JudgedHeader } from './content.ts'
import { count, peek } from './counts.ts'
import { dispositionOf } from './disposition.ts'
import type { HeldShare } from './held.ts'
import { type Decision, type Inbound, refuse } from './inbound.ts'
import { mendHeader, type Taking } from './mended-header.ts'
import { protocol } from './protocol.ts'
import { receivedHeader } from './received.ts'
import type { Session, SessionLogin, Transaction } from './session.ts'
import { unserved } from './unserved.ts'
import { wishesOf } from './wishes.ts'

/** What can be refused before 354 is refused here: after it, the client sends the whole content, whatever we think of it. */
export async function openReception(inbound: Inbound, session: Session): Promise<Decision<Reception>> {
  const { login: known, transaction } = session
  if (!known || !transaction) return refuse(protocol.mailFirst)
  if (transaction.recipients.size === 0) {
    return refuse(transaction.refusedPaths > 0 ? protocol.noValidRecipients : protocol.rcptFirst)
  }
  const login = loginInForce(inbound, session, known)
  if (login.kind === 'refused') return refuse(login.refusal)
  const over = peek(inbound, login.credential, transaction.recipients.size)
  if (over) return refuse(over)
  try {
    const incoming = await inbound.spool.receive()
    return { kind: 'accepted', value: new Reception(inbound, session, known, transaction, incoming), audited: [] }
  } catch (error) {
    return refuse(faultOf(inbound, error))
  }
}

const nothing = Buffer.alloc(0)

/** The content of one transaction, from 354 to its final dot. */
export class Reception {
  readonly #inbound: Inbound
  readonly #session: Session
  readonly #login: SessionLogin
  readonly #transaction: Transaction
  readonly #incoming: Incoming
  readonly #content: Content
  readonly #share: HeldShare
  /** The fields that say who sends (From, Sender and their Resent forms), kept to the end, since they may have to be judged again. */
  #senders: Buffer = nothing
  /** The verdict on the header by a configuration that has come since MAIL; it then takes the place of the first one. */
  #later: HeaderVerdict | undefined
  /** The spool could not write the content. */
  #failed: Refusal | undefined

  constructor(inbound: Inbound, session: Session, login: SessionLogin, transaction: Transaction, incoming: Incoming) {
    const { config } = inbound.inForce()
    this.#inbound = inbound
    this.#session = session
    this.#login = login
    this.#transaction = transaction
    this.#incoming = incoming
    const limits = { messageBytes: config.limits.messageBytes, bareNewlines: bareNewlinesAt(config, session.listener) }
    this.#share = inbound.held.of(login.credential)
    this.#content = new Content(limits, this.#share, (header) => this.#judge(header))
  }

  /** Takes a piece, also of a content that is refused already. A promise where the disk has to be waited for. */
  take(chunk: Buffer): Promise<void> | undefined {
    this.#content.take(chunk)
    const octets = this.#content.release()
    return octets && this.#write(octets)
  }

  /** Behind the final dot: once this is accepted, the message is durable and ours. */
  async settle(): Promise<Decision<Envelope>> {
    try {
      return await this.#settle()
    } catch (error) {
      return this.#giveUp(faultOf(this.#inbound, error), this.#content.audited)
    } finally {
      this.#keepSenders(nothing)
    }
  }

  async #settle(): Promise<Decision<Envelope>> {
    const rest = this.#content.end()
    const { audited, refusal: refused } = this.#content
    if (refused) return this.#giveUp(refused, audited)
    await this.#write(rest)
    await this.#atDisk(() => this.#incoming.sync())
    if (this.#failed) return this.#giveUp(this.#failed, audited)
    // The credential may have been taken away while the content came, and while the disk took it, which may have been long.
    const judgedBy = this.#inbound.inForce()
    const login = loginInForce(this.#inbound, this.#session, this.#login)
    if (login.kind === 'refused') return this.#giveUp(login.refusal, audited)
    const withdrawn = this.#judgeAgain(login.credential)
    if (withdrawn) return this.#giveUp(withdrawn, audited)
    // All recipients are counted or none; a message that is refused here is not kept.
    const from = { senderDomain: this.#from.signingDomain ?? '' }
    const counting = count(this.#inbound, login.credential, from, this.#recipients)
    const counted = counting instanceof Promise ? await counting : counting
    const told = [...audited, ...counted.audited]
    if (counted.refusal) return this.#giveUp(counted.refusal, told)
    const uncounted = (refused: Refusal) => {
      counted.giveBack()
      return this.#giveUp(refused, told)
    }
    try {
      // The store of limits may have been waited for, and a newer configuration may have come meanwhile.
      const late = this.#inbound.inForce() === judgedBy ? undefined : this.#withdrawn()
      if (late) return uncounted(late)
      const { envelope } = await this.#incoming.commit(this.#envelope())
      return { kind: 'accepted', value: envelope, audited: told }
    } catch (error) {
      return uncounted(faultOf(this.#inbound, error))
    }
  }

  /** Recipients as the client named them: they are what is counted, also where the policy redirects or captures the message. */
  get #recipients(): number {
    return this.#transaction.recipients.size
  }

  async abort(): Promise<void> {
    this.#content.letGo()
    this.#keepSenders(nothing)
    await this.#incoming.abort()
  }

  #keepSenders(octets: Buffer): void {
    this.#share.change(this.#senders.length, octets.length)
    this.#senders = octets
  }

  async #giveUp(refused: Refusal, audited: readonly Refusal[]): Promise<Decision<never>> {
    await this.abort()
    return refuse(refused, audited)
  }

  #write(octets: Buffer): Promise<void> {
    return this.#atDisk(() => this.#incoming.write(octets))
  }

  /** Never throws. After a fault of the disk the rest of the content is read and dropped. */
  async #atDisk(deed: () => Promise<void>): Promise<void> {
    if (this.#failed) return
    try {
      await deed()
    } catch (error) {
      this.#failed = faultOf(this.#inbound, error)
    }
  }

  /** Never throws: an error in the middle of a content would look like a client that left. */
  #judge(header: Buffer): JudgedHeader {
    const login = loginInForce(this.#inbound, this.#session, this.#login)
    if (login.kind === 'refused') return unread(header, login.refusal)
    try {
      const read = readHeader(this.#facts(login.credential), header)
      const verdict = judgeRead(read)
      this.#keepSenders(sendersIn(header, read.fields))
      const taking = this.#taking()
      return { verdict, header: [Buffer.from(this.#received(taking)), mendHeader(header, read.fields, taking)] }
    } catch (error) {
      return unread(header, faultOf(this.#inbound, error))
    }
  }

  /** The refusal by the configuration in force now, where that takes the message's right away. */
  #withdrawn(): Refusal | undefined {
    const login = loginInForce(this.#inbound, this.#session, this.#login)
    return login.kind === 'refused' ? login.refusal : this.#judgeAgain(login.credential)
  }

  /**
   * The certificate that the listener requires may have ended; and a configuration that came since MAIL may have withdrawn a domain, a
   * network or a recipient: then all is judged again (A03).
   */
  #judgeAgain(credential: CredentialConfig): Refusal | undefined {
    const lacking = unserved(this.#inbound, this.#session)
    if (lacking) return lacking
    if (this.#transaction.revision === this.#inbound.inForce().revision) return undefined
    const facts = this.#facts(credential)
    const paths = this.#transaction.recipients.paths
    const later = judgeHeader(facts, this.#senders)
    this.#later = later
    const ofPaths = paths.map((path, accepted) => judgeRcptTo(facts, path, accepted))
    const verdicts = [judgeMailFrom(facts, facts.reversePath), ...ofPaths, later]
    const ofClient = judgeConnect(facts.config, this.#session.client)
    return ofClient ?? verdicts.find(({ refusal }) => refusal)?.refusal
  }

  #facts(credential: CredentialConfig): ContentFacts {
    const { reversePath, parameters } = this.#transaction
    const { config, keyring } = this.#inbound.inForce()
    const canSign = (domain: string) => keyring.signingOf(domain, this.#inbound.now())?.broken.length === 0
    return { config, credential, reversePath, smtpUtf8: parameters.smtpUtf8, canSign }
  }

  /** By whose verdict the domains of the From are told. */
  get #from(): Content | HeaderVerdict {
    return this.#later ?? this.#content
  }

  #received(taking: Taking): string {
    return receivedHeader({
      ...taking,
      client: this.#client,
      smtpUtf8: this.#transaction.parameters.smtpUtf8,
      forwardPaths: this.#transaction.recipients.paths,
    })
  }

  #taking(): Taking {
    const { hostname } = this.#inbound.inForce().config
    return { hostname, queueId: this.#incoming.queueId, at: this.#inbound.now() }
  }

  #envelope(): Omit<Envelope, 'queueId' | 'bytes'> {
    const { reversePath, parameters } = this.#transaction
    const { fromDomain, signingDomain } = this.#from
    const { recipients } = this.#inbound.inForce().config
    const disposed = dispositionOf(recipients, this.#transaction.recipients.paths)
    return {
      acceptedAt: this.#inbound.now(),
      credential: this.#login.credential,
      reversePath,
      ...disposed,
      fromDomain,
      ...(signingDomain !== undefined && { signingDomain }),
      client: this.#client,
      // A content with 8-bit octets is 8BITMIME, whatever BODY= the client gave.
      body: this.#content.eightBit ? '8BITMIME' : parameters.body,
      smtpUtf8: parameters.smtpUtf8,
      ...wishesOf(this.#transaction, disposed),
    }
  }

  get #client(): Envelope['client'] {
    return { address: this.#session.client, helo: this.#session.helo, tls: this.#session.tls }
  }
}

const unread = (header: Buffer, refused: Refusal): JudgedHeader => ({
  header: [header],
  verdict: { refusal: refused, audited: [], fromDomain: '' },
})

/** `Reject` where the configuration does not name the listener any more: its open sessions go on. */
const bareNewlinesAt = ({ listeners }: RelayConfig, name: string): ListenerConfig['bareNewlines'] =>
  listeners.find((listener) => listener.name === name)?.bareNewlines ?? 'Reject'

/** The refusal for an error of ours: always a 4yz, so that the client keeps the message and tries again. */
function faultOf({ events }: Inbound, error: unknown): Refusal {
  if (error instanceof SpoolError) return refusal(error.kind === 'full' ? 'queue.storage' : 'always.unavailable')
  events.unexpected('data', error)
  return refusal('always.unavailable')
}
