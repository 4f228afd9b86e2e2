/** Every event of the relay, each as one function that writes the log line and moves the metric. Nothing else logs or counts. */
import type { SigningKeyConfig } from './config.ts'
import type { Log } from './log.ts'
import type { Envelope } from './mail/envelope.ts'
import { type AddressEvidence, showAddress, showAddresses } from './mail/evidence.ts'
import type { BrokenKey } from './mail/keyring.ts'
import type { Outcome } from './mail/outcome.ts'
import { type Refusal, throttles } from './mail/rule.ts'
import type { Metrics } from './metrics.ts'
import type { AuthFailure } from './rules/login.ts'
import { shownError } from './shown-error.ts'

export type Stage = 'connect' | 'auth' | 'mail' | 'rcpt' | 'data'

/** What is known of a session; these fields stand in every log line about it. */
export type SessionFacts = {
  readonly session: string
  readonly listener: string
  readonly client: string
  /** `TLSv1.3`, or empty before TLS. */
  readonly tls: string
  readonly credential?: string
  /** Names in the client certificate, in the line of a login by it that failed. */
  readonly certificate?: readonly string[]
}

/** One attempt at one recipient. */
export type Attempt = {
  readonly queueId: string
  readonly route: string
  readonly smarthost: string
  readonly host: string
  readonly forwardPath: string
  readonly attempt: number
  readonly outcome: Outcome
}

/** The state of the store in which the relays count limits together. */
type StoreNews = { readonly kind: 'connecting' | 'connected' } | { readonly kind: 'away'; readonly why: string }

export type Events = ReturnType<typeof createEvents>

/** `evidence` is called for each line, so that a reload counts from the next line on. */
export function createEvents(log: Log, metrics: Metrics, evidence: () => AddressEvidence) {
  const show = (address: string): string => showAddress(evidence(), address)
  /** A name in a client certificate, which may be a mail address (`email:app@example.org`). */
  const named = (name: string): string => (name.startsWith(email) ? `${email}${show(name.slice(email.length))}` : name)
  /** A next hop's text for the log: it may repeat mail addresses, which are shown as `evidence` says. */
  const foreign = (text: string): string => showAddresses(evidence(), text)
  const line = ({ kind: outcome, reply: { code, status, text } }: Outcome) => ({
    outcome,
    code,
    status,
    text: foreign(text),
  })

  /** Counts a refusal by a throttle (labelled with its name) or by a credential's limit (labelled with its rule). */
  const throttled = ({ rule, throttle = rule }: Refusal, action: 'reject' | 'audit'): void => {
    if (throttles.has(rule)) metrics.throttled.inc({ throttle, action })
  }

  /**
   * What a refusal is about. `path`: at MAIL and RCPT the one that is refused, and at `data` the reverse-path of the message; absent
   * where there is none. The mailbox of a header that is refused comes with the refusal.
   */
  const concerned = (stage: Stage, { throttle, address }: Refusal, path: string | undefined) => ({
    ...(throttle !== undefined && { throttle }),
    ...(path !== undefined && { [stage === 'data' ? 'reversePath' : 'address']: show(path) }),
    ...(address !== undefined && { address: show(address) }),
  })

  const inForce = (hash: string): void => {
    metrics.configInfo.reset()
    metrics.configInfo.set({ hash }, 1)
    metrics.configApplied.set(Date.now() / 1000)
  }

  return {
    connected({ listener, tls }: SessionFacts): void {
      metrics.connections.inc({ listener, tls: tls === '' ? 'none' : tls })
    },
    authenticated(s: SessionFacts, mechanism: string, credential: string, key: string): void {
      metrics.auth.inc({ mechanism, result: 'success', reason: '' })
      log.info({ ...s, mechanism, credential, key: named(key) }, 'authenticated')
    },
    authFailed(s: SessionFacts, mechanism: string, reason: AuthFailure, refusal: Refusal): void {
      metrics.auth.inc({ mechanism, result: 'failure', reason })
      metrics.refusals.inc({ stage: 'auth', rule: refusal.rule })
      const names = s.certificate && { certificate: s.certificate.map(named) }
      log.warn({ ...s, ...names, mechanism, reason, rule: refusal.rule }, 'authentication failed')
    },
    lockedOut(s: SessionFacts, forMs: number): void {
      metrics.lockouts.inc()
      log.warn({ ...s, forMs }, 'client locked out')
    },
    /** `path`: see `concerned`. */
    refused(s: SessionFacts, stage: Stage, refusal: Refusal, path?: string, hasLine = true): void {
      metrics.refusals.inc({ stage, rule: refusal.rule })
      if (isVerdict(stage, refusal)) metrics.messages.inc({ result: 'refused', rule: refusal.rule })
      throttled(refusal, 'reject')
      if (!hasLine) return
      const { code, status, text } = refusal.reply
      log.info(
        {
          ...s,
          stage,
          rule: refusal.rule,
          code,
          status,
          text,
          ...concerned(stage, refusal, path),
        },
        'refused',
      )
    },
    /** At the end of a session: how many refusals for faults of ours had no line, of a client that tried on without a pause. */
    refusedMoreOften(s: SessionFacts, times: number): void {
      log.info({ ...s, times }, 'more refusals without a line')
    },
    /** The rule is in Audit: this is what Enforce would have refused. `path`: see `concerned`. */
    audited(s: SessionFacts, stage: Stage, refusal: Refusal, path?: string): void {
      metrics.messages.inc({ result: 'audited', rule: refusal.rule })
      throttled(refusal, 'audit')
      log.info({ ...s, stage, rule: refusal.rule, ...concerned(stage, refusal, path) }, 'would be refused')
    },
    accepted(s: SessionFacts, e: Envelope, seconds: number): void {
      metrics.messages.inc({ result: 'accepted', rule: '' })
      metrics.transactionDuration.observe(seconds)
      metrics.messageSize.observe(e.bytes)
      log.info(
        {
          ...s,
          queueId: e.queueId,
          reversePath: show(e.reversePath),
          forwardPaths: e.forwardPaths.map(show),
          ...(e.redirectedFrom !== undefined && { redirectedFrom: e.redirectedFrom.map(show) }),
          bytes: e.bytes,
          disposition: e.disposition,
        },
        'accepted',
      )
    },
    /**
     * Once a day for each credential, and once more where its limit is another one by then. `share`: the recipients of its day that
     * this relay may hand out; all relays, where a store counts.
     */
    quotaApproaching(credential: string, today: number, share: number): void {
      log.warn({ credential, today, share }, 'most recipients of the day are used')
    },
    /** `where` is host:port of the store; undefined: the relay counts by itself. */
    limitStore(where: string | undefined, state?: StoreNews): void {
      metrics.limitStoreUp.reset()
      if (where === undefined || state === undefined) return
      metrics.limitStoreUp.set({ store: where }, state.kind === 'connected' ? 1 : 0)
      if (state.kind === 'connected') log.info({ store: where }, 'limits are counted in the store')
      if (state.kind === 'away') {
        log.warn(
          { store: where, why: state.why },
          'the store of limits does not answer; each relay hands out its share',
        )
      }
    },
    limitsJudged(by: 'store' | 'share'): void {
      metrics.limitDecisions.inc({ by })
    },
    /** A restart would forget what could not be written. */
    quotaNotKept(why: string): void {
      log.error({ why }, 'the count of used recipients can not be kept')
    },
    /** A restart would forget what could not be written. */
    keyUsesNotKept(why: string): void {
      log.error({ why }, 'the last use of keys can not be kept')
    },
    spoolNotIdentified(why: string): void {
      log.error({ why }, 'the identity of the spool is not known')
    },
    endpointsNotTold(why: string): void {
      log.error({ why }, 'endpoints.json could not be written')
    },
    /** The client left or failed in the middle; nothing was acknowledged. */
    abandoned(s: SessionFacts, why: string): void {
      log.info({ ...s, why }, 'abandoned by the client')
    },
    committed(batch: number, seconds: number): void {
      metrics.commitBatch.observe(batch)
      metrics.commitDuration.observe(seconds)
    },
    quarantined(file: string, why: string): void {
      metrics.quarantined.inc()
      log.error({ file, why }, 'damaged spool file set aside')
    },
    /** Nothing of it is needed any more, and all that are newer wait for it. */
    notDeleted(file: string, why: string): void {
      log.error({ file, why }, 'spool file can not be deleted; no room is given back')
    },
    /** Refused for now, by a limit on files (`why`), which keeps out no others. */
    notStored(queueId: string, why: string): void {
      log.error({ queueId, why }, 'message can not be stored')
    },
    /** It waits, and is read again. `why`: of the disk. */
    unreadable(queueId: string, why: string): void {
      log.error({ queueId, why }, 'queued message can not be read')
    },
    spoolFault(why: string): void {
      log.error({ why }, 'spool takes no mail')
    },
    spoolRecovered(): void {
      log.warn({}, 'spool takes mail again')
    },
    recovered(messages: number, swept: number): void {
      log.info({ messages, swept }, 'spool recovered')
    },
    smarthostConnected(smarthost: string, tls: string): void {
      metrics.deliveryTls.inc({ smarthost, version: tls === '' ? 'none' : tls })
    },
    /** The smarthost failed again and again, refuses our login, or shows a wrong certificate: for `forMs` others take over. */
    smarthostEjected(smarthost: string, host: string, forMs: number, reply: string): void {
      log.warn({ smarthost, host, forMs, reply: foreign(reply) }, 'smarthost left out')
    },
    signed(algorithm: SigningKeyConfig['algorithm']): void {
      metrics.signatures.inc({ algorithm })
    },
    /** A key of the domain can not sign; `held`: the message waits for it, else it leaves without that signature. */
    unsigned(queueId: string, key: BrokenKey, held: boolean): void {
      metrics.unsigned.inc({ result: held ? 'held' : 'sent' })
      if (held) log.warn({ queueId, ...key }, 'held until it can be signed')
      else log.warn({ queueId, ...key }, 'leaves without a signature')
    },
    /** The DNS records of its domain have been broken for too long, and the SenderDomain wants its mail to wait. */
    unverifiable(
      queueId: string,
      { domain, records }: { readonly domain: string; readonly records: readonly string[] },
    ) {
      metrics.unsigned.inc({ result: 'held' })
      log.warn({ queueId, domain, records }, 'held until the records of its domain are mended')
    },
    attempted(a: Attempt): void {
      const result = a.outcome.kind
      metrics.attempts.inc({
        route: a.route,
        smarthost: a.smarthost,
        provider: providerOf(a.host),
        result,
        class: String(Math.trunc(a.outcome.reply.code / 100)),
      })
      if (result === 'ambiguous') metrics.ambiguous.inc()
      log.info(
        {
          queueId: a.queueId,
          route: a.route,
          smarthost: a.smarthost,
          host: a.host,
          forwardPath: show(a.forwardPath),
          attempt: a.attempt,
          ...line(a.outcome),
        },
        'delivery attempted',
      )
    },
    /** The relay before this one ended in the middle of an attempt: it may have made a copy (RFC 1047). */
    interrupted(queueId: string): void {
      metrics.ambiguous.inc()
      log.warn({ queueId }, 'may arrive twice: an attempt was open when the relay ended')
    },
    /** A queued message of which damaged records of the spool may have said that it was delivered. */
    forgotten(queueId: string): void {
      metrics.ambiguous.inc()
      log.warn({ queueId }, 'may arrive twice: what became of it is in damaged records')
    },
    attemptTook(smarthost: string, seconds: number): void {
      metrics.deliveryDuration.observe(seconds, { smarthost })
    },
    captured(queueId: string): void {
      metrics.captured.inc()
      log.info({ queueId }, 'captured')
    },
    /** Its volume is full, or fails; each message is tried again. */
    inboxFault(why: string): void {
      log.error({ why }, 'captured mail waits for the inbox')
    },
    inboxRecovered(): void {
      log.warn({}, 'the inbox takes captured mail again')
    },
    deferred(queueId: string, forwardPath: string, nextAttemptAt: number, replyLine: string): void {
      const nextAt = new Date(nextAttemptAt).toISOString()
      log.info(
        { queueId, forwardPath: show(forwardPath), nextAttemptAt: nextAt, reply: foreign(replyLine) },
        'deferred',
      )
    },
    /** `kind`: refused by the next hop, or expired in the queue. */
    bounced(queueId: string, forwardPath: string, kind: 'refused' | 'expired', replyLine: string): void {
      metrics.bounces.inc({ class: kind })
      log.warn({ queueId, forwardPath: show(forwardPath), kind, reply: foreign(replyLine) }, 'bounced')
    },
    dsnQueued(queueId: string, dsnQueueId: string): void {
      metrics.dsnSent.inc()
      log.info({ queueId, dsnQueueId }, 'DSN queued')
    },
    /** A message could not be delivered, and nobody is told: it has the null reverse-path (RFC 5321 section 4.5.5), or NOTIFY says so. */
    discarded(queueId: string, why: string): void {
      log.warn({ queueId, why }, 'undeliverable and nobody to tell')
    },
    finished(queueId: string, seconds: number): void {
      metrics.queueDelay.observe(seconds)
      log.info({ queueId, seconds }, 'left the queue')
    },
    configApplied(hash: string): void {
      inForce(hash)
      log.info({ hash }, 'configuration applied')
    },
    /** `why`: what could not be applied, e.g. a listener whose port another program has. It is tried again. */
    configAppliedInPart(hash: string, why: string): void {
      inForce(hash)
      metrics.configErrors.inc()
      log.error({ hash, why }, 'configuration applied, but not all of it')
    },
    /** `what`: the file, and why. */
    fileNotUsed(what: string): void {
      log.error({ what }, 'a file can not be used; its last good content stays in force')
    },
    configRefused(why: string): void {
      metrics.configErrors.inc()
      log.error({ why }, 'configuration refused; the last good one stays in force')
    },
    listening(listener: string, address: string, port: number): void {
      log.info({ listener, address, port }, 'listening')
    },
    stopped(listener: string): void {
      log.info({ listener }, 'stopped listening')
    },
    certificate(listener: string, expiresAt: number): void {
      metrics.certificateExpiry.set({ listener }, expiresAt / 1000)
    },
    /** The listener is closed: else its metric would warn of the end of its certificate for ever. */
    noCertificate(listener: string): void {
      metrics.certificateExpiry.remove({ listener })
    },
    draining(): void {
      metrics.draining.set(1)
      log.info({}, 'relay is to leave, and takes no new mail')
    },
    drainUnread(why: string): void {
      log.error({ why }, 'whether this relay is to leave can not be read; it goes on as before')
    },
    drained(): void {
      log.info({}, 'relay has no mail left, and may go')
    },
    stays(): void {
      metrics.draining.set(0)
      log.info({}, 'relay stays, and takes new mail again')
    },
    /** By the metric alone: a line about it would be lost as well. */
    lineLost(): void {
      metrics.linesLost.inc()
    },
    linesMissing(lines: number): void {
      log.warn({ lines }, 'log lines are missing before this one')
    },
    stopping(signal: string): void {
      log.info({ signal }, 'stopping')
    },
    endedAtTheDisk(data: string): void {
      log.error({ data }, 'a call to the disk hangs; ended without it')
    },
    /** The clock was set, or the machine slept. What waits goes by the monotonic clock, and so waits no longer or shorter. */
    clockStepped(bySeconds: number): void {
      log.warn({ bySeconds }, 'the clock stepped; mail waits no longer or shorter for it')
    },
    /** An error of our own that was caught, so that it harmed nobody else; its stack helps to find out why. */
    unexpected(where: string, error: unknown): void {
      log.error({ where, err: shownError(error) }, 'unexpected')
    },
  }
}

const email = 'email:'

/**
 * Whether a refusal is the verdict on a message, and counts as one. Not a command out of turn (503), such as those that a client
 * has pipelined behind a refused MAIL; nor `always.errors`, which comes on top of a refusal that was counted already.
 */
const isVerdict = (stage: Stage, { rule, reply }: Refusal): boolean =>
  (stage === 'mail' || stage === 'data') && reply.code !== 503 && rule !== 'always.errors'

const providers: readonly (readonly [RegExp, string])[] = [
  [/(^|\.)(google|gmail|googlemail)\.com$/, 'google'],
  [/(^|\.)((outlook|office365|hotmail)\.com|mx\.microsoft)$/, 'microsoft'],
  [/(^|\.)yahoo(dns)?\.(com|net)$/, 'yahoo'],
  [/(^|\.)(icloud|me|apple)\.com$/, 'apple'],
]
const providerOf = (host: string): string => providers.find(([pattern]) => pattern.test(host))?.[1] ?? 'other'
