/**
 * The one list of rules: every refusal carries one of these ids in its SMTP text, log line, metric and explanation.
 * An id is the path of the YAML field that decides: of the RelayCredential behind `credential.`, of the SenderDomain behind
 * `senderDomain.`, else of the RelayPolicy. What no field can switch off begins with `always.`.
 */
import { type Reply, reply } from './reply.ts'

type Rule = {
  readonly code: number
  /** The enhanced status without its class (RFC 3463). */
  readonly subject: string
  readonly text: string
  /** What a person does about it. */
  readonly mend: string
}

export const rules = {
  'always.tls': {
    code: 530,
    subject: '7.0',
    text: 'TLS first: issue STARTTLS',
    mend: 'let the client use STARTTLS, or connect to an Implicit listener',
  },
  'always.tlsBeforeAuth': {
    code: 538,
    subject: '7.11',
    text: 'no password before TLS',
    mend: 'let the client use STARTTLS before AUTH; the password that was sent in clear should be rotated',
  },
  'always.authentication': {
    code: 530,
    subject: '7.0',
    text: 'authentication required',
    mend: 'let the client log in with the username and password of its binding Secret',
  },
  'always.password': {
    code: 535,
    subject: '7.8',
    text: 'authentication failed',
    mend: 'compare username and password with the binding Secret; a restart may be needed after a rotation; a token has to be of this cluster and for the audience relayfleet. The reason in the log says what it was',
  },
  'always.passwordEnded': {
    code: 421,
    subject: '7.0',
    text: 'the password of this session does not count any more; connect again with the one of today',
    mend: 'nothing: clients connect again with the password that the binding Secret has now; where that is refused too, see always.password',
  },
  'always.keys': {
    code: 454,
    subject: '7.0',
    text: 'this credential has no key yet; try again later',
    mend: 'wait for the binding Secret of the RelayCredential; its conditions say what it waits for',
  },
  'always.token': {
    code: 535,
    subject: '7.8',
    text: 'the token has expired',
    mend: 'mount a projected serviceAccountToken with audience relayfleet, and read its file for each connection anew; where it is not valid yet, set the clocks of the nodes',
  },
  'always.tokenExpired': {
    code: 421,
    subject: '7.0',
    text: 'the token of this session has expired; connect again with a new one',
    mend: 'nothing: clients connect again; let them read the file of the token for each connection anew',
  },
  'always.tokenKeys': {
    code: 454,
    subject: '7.0',
    text: 'the key that signed this token is not known here; try again later',
    mend: 'wait: new keys of the issuer arrive within half a minute; conditions of the RelayCredential say what holds them up',
  },
  'always.clientCertificate': {
    code: 535,
    subject: '7.8',
    text: 'this needs a client certificate, and none was shown',
    mend: "let the client show a certificate for client authentication, with its intermediates, of the authority that the listener's clientCertificates.caRef holds",
  },
  'always.clientCertificateEnded': {
    code: 421,
    subject: '7.0',
    text: 'the client certificate of this session does not count any more; connect again',
    mend: 'nothing: clients connect again with the certificate of today; where that is refused too, see always.clientCertificate',
  },
  'always.certificateChains': {
    code: 421,
    subject: '7.0',
    text: 'too many clients show long chains of certificates; connect again, and show fewer',
    mend: 'let the client show its own certificate and its intermediates only, and log in soon after the handshake: then it stays',
  },
  'always.syntax': {
    code: 501,
    subject: '5.4',
    text: 'syntax error',
    mend: 'correct the command or the address that the client sends',
  },
  'always.sequence': {
    code: 503,
    subject: '5.1',
    text: 'bad sequence of commands',
    mend: 'correct the order of the commands that the client sends',
  },
  'always.synchronization': {
    code: 554,
    subject: '5.0',
    text: 'talking out of turn',
    mend: 'let the client wait for the greeting, for the reply to STARTTLS and for 354 (RFC 2920 section 3.1)',
  },
  'always.errors': {
    code: 421,
    subject: '7.0',
    text: 'too many errors or idle commands on this connection',
    mend: 'correct the client: the refusals before this one in the log tell what it does wrong',
  },
  'always.idle': {
    code: 421,
    subject: '4.2',
    text: 'nothing came for too long',
    mend: 'nothing: clients connect again; let the client end its sessions with QUIT',
  },
  'always.nul': {
    code: 554,
    subject: '6.0',
    text: 'NUL in the message',
    mend: 'let the application encode binary content (base64)',
  },
  'always.headers': {
    code: 554,
    subject: '6.0',
    text: 'malformed or ambiguous headers',
    mend: 'mend what the reply names; send exactly one From with one mailbox, in the plain form: "Name" <user@domain>, with a domain of two labels or more',
  },
  'always.headerSize': {
    code: 552,
    subject: '3.4',
    text: 'headers too large',
    mend: 'keep the header block under 100 KiB and 1000 fields',
  },
  'always.hops': {
    code: 554,
    subject: '4.6',
    text: 'too many hops: mail loop',
    mend: 'look for the loop in the Received headers of the message',
  },
  'always.utf8': {
    code: 553,
    subject: '6.7',
    text: 'non-ASCII address without SMTPUTF8',
    mend: 'write the domain in its A-label form (xn--…), and use an ASCII local part',
  },
  'always.unavailable': {
    code: 451,
    subject: '3.0',
    text: 'the relay could not store the message; try again',
    mend: "read the relay's log for the error of the disk, and its /readyz",
  },
  'always.memory': {
    code: 451,
    subject: '3.1',
    text: 'too many large headers, or long lists of recipients, are on their way at the same time; try again',
    mend: 'nothing: clients try again; a header of 16 KiB or less always passes, and so do 50 recipients',
  },
  'always.shutdown': {
    code: 421,
    subject: '3.2',
    text: 'the relay is shutting down; try again',
    mend: 'nothing: clients try again',
  },
  suspended: {
    code: 421,
    subject: '3.2',
    text: 'this fleet is suspended; try again later',
    mend: 'set spec.suspended of the RelayPolicy to false',
  },
  'listeners.bareNewlines': {
    code: 550,
    subject: '5.2',
    text: 'bare CR or LF in the message',
    mend: 'let the application end every line with CR LF, or set bareNewlines of the listener to Normalise',
  },
  'listeners.tls.minVersion': {
    code: 421,
    subject: '7.0',
    text: 'this listener has come to require a newer version of TLS; connect again',
    mend: 'nothing: clients connect again; where the log tells of handshakes with an older version then, let the client use a newer TLS library, or lower minVersion',
  },
  'listeners.clientCertificates': {
    code: 554,
    subject: '7.0',
    text: 'this listener serves only clients with a certificate, and none was shown',
    mend: 'let the client show its certificate, use another listener, or set clientCertificates.mode of this one to Optional',
  },
  'admission.networks': {
    code: 554,
    subject: '7.1',
    text: 'this network may not connect',
    mend: 'add the network to allow, or take it out of deny',
  },
  'admission.authFailures': {
    code: 421,
    subject: '7.0',
    text: 'too many failed logins; try again later',
    mend: 'find the client with the wrong password; the lockout ends by itself',
  },
  'admission.limits.connectionsPerClient': {
    code: 421,
    subject: '7.0',
    text: 'too many connections from this address',
    mend: 'let the client reuse its connections, or raise the limit; of IPv6 a whole /64 is one client',
  },
  'admission.limits.messagesPerConnection': {
    code: 421,
    subject: '7.0',
    text: 'too many messages on this connection; connect again',
    mend: 'nothing: clients connect again; or raise the limit',
  },
  'admission.limits.messageSize': {
    code: 552,
    subject: '3.4',
    text: 'message too large',
    mend: 'send a smaller message, or raise the limit; a message may have at most two thirds of queue.storage.size',
  },
  'admission.limits.recipientsPerMessage': {
    code: 452,
    subject: '5.3',
    text: 'too many recipients; send the rest in another message',
    mend: 'let the client split the message, or raise the limit',
  },
  'admission.limits.transactionTime': {
    code: 421,
    subject: '4.2',
    text: 'the transaction took too long',
    mend: 'look for a slow network between client and relay, or raise the limit',
  },
  'senderRules.envelopeFrom': {
    code: 550,
    subject: '7.1',
    text: 'this credential may not send as this reverse-path',
    mend: "use a reverse-path in the credential's domains and identities, or have the domain owner allow it",
  },
  'senderRules.nullReversePath': {
    code: 550,
    subject: '7.1',
    text: 'the null reverse-path is not allowed here',
    mend: 'give the message a reverse-path, or set nullReversePath to AllowForCredential',
  },
  'senderRules.headerFrom': {
    code: 550,
    subject: '7.1',
    text: 'this credential may not send as this From',
    mend: "use a From, and a Sender where there is one, in the credential's domains and identities, or have the domain owner allow it",
  },
  'senderRules.headerFrom.displayNameAddress': {
    code: 550,
    subject: '7.1',
    text: 'the display name of From shows another address',
    mend: 'take the address out of the display name, or set displayNameAddress to Allow',
  },
  'senderRules.alignment': {
    code: 550,
    subject: '7.1',
    text: 'reverse-path and From are of different domains',
    mend: 'use one domain for both, or set the mode to Organizational',
  },
  'recipients.allow': {
    code: 550,
    subject: '7.1',
    text: 'this policy does not send to this recipient',
    mend: 'add the recipient or its domain to recipients.allow; one with %, ! or @ in its local part passes by its address only',
  },
  throttles: {
    code: 450,
    subject: '7.1',
    text: 'more than a throttle of this policy lets pass now',
    mend: 'let the client try again when the reply says, or send more evenly; or raise rate or burst of the throttle that the reply names',
  },
  'queue.storage': {
    code: 452,
    subject: '3.1',
    text: 'the queue is full; try again later',
    mend: 'see by /readyz whether the disk is full, and free space there; else find out why mail does not leave (the queue by smarthost), or raise queue.storage.size',
  },
  'credential.suspended': {
    code: 535,
    subject: '7.8',
    text: 'this credential is suspended',
    mend: 'set spec.suspended of the RelayCredential to false',
  },
  'credential.expiresAt': {
    code: 535,
    subject: '7.8',
    text: 'this credential has expired',
    mend: 'set spec.expiresAt of the RelayCredential to a later time, or take it away',
  },
  'credential.networks': {
    code: 535,
    subject: '7.8',
    text: 'this credential may not be used from this network',
    mend: 'add the network to spec.networks.allow of the RelayCredential',
  },
  'credential.serviceAccounts': {
    code: 535,
    subject: '7.8',
    text: 'this credential does not name this service account',
    mend: "add the pod's service account to spec.serviceAccounts of the RelayCredential",
  },
  'credential.clientCertificate': {
    code: 535,
    subject: '7.8',
    text: 'no credential names this client certificate',
    mend: 'add a subject alternative name of the certificate to spec.clientCertificate of one RelayCredential, whose caRef is the one of the listener',
  },
  'credential.recipients': {
    code: 550,
    subject: '7.1',
    text: 'this credential does not send to this recipient',
    mend: "add the recipient's domain to spec.recipients.domains of the RelayCredential; it lets no recipient with %, ! or @ in the local part pass",
  },
  'credential.limits.daily': {
    code: 450,
    subject: '7.1',
    text: "this credential's recipients of today are used up",
    mend: 'let the client try again after midnight UTC, send less, or raise spec.limits.daily of the RelayCredential',
  },
  'credential.limits.rate': {
    code: 450,
    subject: '7.1',
    text: 'this credential sends faster than it may',
    mend: 'let the client try again when the reply says, send more evenly, or raise spec.limits.rate of the RelayCredential',
  },
  'senderDomain.whenBroken': {
    code: 451,
    subject: '7.5',
    text: 'mail of this domain is not taken while it can not be signed, or its DNS records are broken; try again later',
    mend: "mend the domain's keys (`signing.broken` at the relay's /status names them) or its records (`relayfleet domain check`), or set spec.whenBroken.action of the SenderDomain to Warn",
  },
} as const satisfies Record<string, Rule>

export type RuleId = keyof typeof rules

/** A verdict against: the rule that made it, and the reply that a client gets. */
export type Refusal = {
  readonly rule: RuleId
  readonly reply: Reply
  /** Which one of the policy's throttles; absent for every other rule. */
  readonly throttle?: string
  /** The mailbox in the header that was refused, for the log; absent for every other rule. */
  readonly address?: string
}

/** The rules that refuse for now what is fine by itself, since there was too much of it. */
export const throttles: ReadonlySet<RuleId> = new Set([
  'throttles',
  'credential.limits.daily',
  'credential.limits.rate',
])

/** The refusal of a rule; `detail` replaces the rule's own text. The id always ends the text. */
export function refusal(rule: RuleId, detail?: string): Refusal {
  const { code, subject, text } = rules[rule]
  return { rule, reply: reply(code, subject, `${detail ?? text} (${rule})`) }
}
