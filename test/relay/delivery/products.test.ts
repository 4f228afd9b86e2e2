/** What products and providers say, word for word, and what that means for the mail (RFC 3463, 4954, 5248, 7504). */
import { expect, test } from 'vitest'
import type { Answer } from '../../../relay/delivery/answer.ts'
import { classifyOpening, classifyTransaction, isThrottling } from '../../../relay/delivery/classify.ts'
import type { Transaction } from '../../../relay/delivery/client.ts'
import type { Stage } from '../../../relay/delivery/stage.ts'
import type { Outcome } from '../../../relay/mail/outcome.ts'

/** `refused` for good, or for now: `slower`, all mail is to wait; `hop`, another next hop may take it. */
type Verdict = 'refused' | 'recipient' | 'message' | 'slower' | 'hop'

const answered = (line: string): Answer => ({
  kind: 'reply',
  reply: { code: Number(line.slice(0, 3)), lines: line.split('\r\n').map((one) => one.slice(4)) },
})
const ok = answered('250 2.1.5 ok')

function outcomeAt(stage: Stage, answer: Answer): Outcome | undefined {
  const goOn = answered('354 go on')
  const transactions: Partial<Record<Stage, Transaction>> = {
    MAIL: { mail: answer, rcpt: [] },
    RCPT: { mail: ok, rcpt: [answer], data: answered('503 5.5.1 no recipients') },
    DATA: { mail: ok, rcpt: [ok], data: answer },
    dot: { mail: ok, rcpt: [ok], data: goOn, dot: answer },
  }
  const transaction = transactions[stage]
  return transaction === undefined ? classifyOpening(stage, answer) : classifyTransaction(transaction, 1)[0]
}

function verdictOf(outcome: Outcome | undefined): string {
  if (outcome?.kind === 'bounced') return 'refused'
  if (outcome?.kind !== 'deferred') return outcome?.kind ?? 'none'
  if (outcome.scope === 'nextHop') return 'hop'
  return isThrottling(outcome) ? 'slower' : outcome.scope
}

test.each<[product: string, stage: Stage, verdict: Verdict, reply: string]>([
  // rates
  [
    'Google',
    'RCPT',
    'recipient',
    '450-4.2.1 The user you are trying to contact is receiving mail at a rate that\r\n450-4.2.1 prevents additional messages from being delivered.',
  ],
  [
    'Google',
    'dot',
    'hop',
    '421-4.7.28 Our system has detected an unusual rate of\r\n421 4.7.28 unsolicited mail originating from your IP address.',
  ],
  ['Google', 'MAIL', 'slower', '450 4.2.1 Peak SMTP relay limit exceeded for customer. This is a temporary error.'],
  ['Google', 'RCPT', 'slower', '450 4.2.1 Peak SMTP relay limit exceeded for customer. This is a temporary error.'],
  ['Google', 'MAIL', 'slower', '550 5.7.1 Daily SMTP relay limit exceeded for customer.'],
  [
    'Google',
    'dot',
    'slower',
    '550-5.4.5 Daily user sending limit exceeded. For more information on Gmail\r\n550-5.4.5 sending limits go to\r\n550 5.4.5  https://support.google.com/a/answer/166852',
  ],
  ['Google', 'RCPT', 'slower', '550 5.4.5 Daily SMTP relay sending limit exceeded for user.'],
  ['Google', 'RCPT', 'refused', '550 5.7.1 Invalid credentials for relay [192.0.2.1].'],
  ['Google', 'dot', 'slower', '550 5.4.5 Daily sending quota exceeded - gsmtp'],
  [
    'Exchange Online',
    'RCPT',
    'slower',
    "550 5.7.233 Your message can't be sent because your tenant exceeded its daily limit for sending email to external recipients (tenant external recipient rate limit)",
  ],
  [
    'cPanel',
    'RCPT',
    'slower',
    '550 Domain x.test has exceeded the max defers and failures per hour (5/5 (100%)) allowed. Message discarded.',
  ],
  ['cPanel', 'dot', 'slower', '550 Daily limit has been exceeded for a@x.test'],
  ['cPanel', 'RCPT', 'refused', '550 Domain x.test has an outgoing mail hold. Message discarded.'],
  [
    'Exchange Online',
    'dot',
    'slower',
    '554 5.2.0 STOREDRV.Submission.Exception:SubmissionQuotaExceededException; Failed to process message due to a permanent exception',
  ],
  [
    'Plesk',
    'dot',
    'slower',
    '554 5.7.0 Your message could not be sent. The limit on the number of allowed outgoing messages was exceeded. Try again later.',
  ],
  ['Rackspace', 'dot', 'slower', '550 5.7.1 User a@x.test has exceeded its 24-hour sending limit.'],
  [
    'outMail',
    'RCPT',
    'slower',
    '554 5.7.1 <a@x.test>: Recipient address rejected: You have exceeded your Outmail quota.',
  ],
  ['postfwd', 'RCPT', 'slower', '554 5.7.1 <a@x.test>: Recipient address rejected: Number messages per hour exceeded'],
  ['Mailtrap', 'MAIL', 'slower', '550 5.7.0 Requested action not taken: too many emails per second'],
  ['Mailtrap', 'dot', 'slower', '550 5.7.0 Requested action not taken: too many emails per second'],
  ['Tencent', 'dot', 'slower', '550 Ip frequency limited. http://service.mail.qq.com/'],
  ['Tencent', 'dot', 'slower', '550 Domain frequency limited'],
  ['Tencent', 'dot', 'slower', '550 Sender frequency limited'],
  ['Aliyun', 'RCPT', 'slower', '554 Reject by behaviour spam ANTISPAM_BAT[0120]: too frequently sending'],
  ['Yandex', 'dot', 'refused', '554 5.7.1 Message rejected under suspicion of SPAM'],
  ['Zoho', 'RCPT', 'refused', '550 5.4.6 Unusual sending activity detected.'],
  ['Zoho', 'dot', 'slower', '550 5.4.6 mail rate exceeded limit'],
  ['SES', 'dot', 'slower', '454 Throttling failure: Daily message quota exceeded.'],
  ['SES', 'MAIL', 'slower', '454 Throttling failure: Maximum sending rate exceeded.'],
  ['SES', 'dot', 'refused', '554 Message rejected: Email address is not verified.'],
  [
    'Exchange Online',
    'MAIL',
    'slower',
    '451 4.7.651 The mail server [192.0.2.1] has been temporarily rate limited due to IP reputation.',
  ],
  ['Exchange Online', 'RCPT', 'recipient', '451 4.7.500 Access denied, please try again later (AS7230)'],
  ['Exchange Online', 'MAIL', 'refused', '550 5.7.60 SMTP; Client does not have permissions to send as this sender'],
  [
    'Exchange Online',
    'MAIL',
    'hop',
    '530 5.7.57 SMTP; Client was not authenticated to send anonymous mail during MAIL FROM',
  ],
  ['Exchange Online', 'dot', 'slower', '432 4.3.2 STOREDRV.ClientSubmit; sender thread limit exceeded'],
  ['Exchange Online', 'RCPT', 'refused', '550 5.1.8 Access denied, bad outbound sender AS(42004)'],
  ['Exchange Online', 'RCPT', 'refused', '550 5.4.1 Recipient address rejected: Access denied. AS(201806281)'],
  ['Exchange Online', 'RCPT', 'refused', '550 5.4.1 Relay Access Denied'],
  ['Exchange', 'MAIL', 'hop', '452 4.3.1 Insufficient system resources'],
  ['Exchange', 'dot', 'hop', '421 4.4.2 Message submission rate for this client has exceeded the configured limit'],
  ['Exchange', 'dot', 'refused', '554 5.4.6 Hop count exceeded - possible mail loop'],
  ['Exchange', 'dot', 'refused', '552 5.3.4 Message size exceeds fixed maximum message size'],
  ['Exchange', 'RCPT', 'recipient', '450 4.7.1 Recipient address rejected: Greylisted'],
  ['Cisco', 'RCPT', 'slower', '452 Too many recipients received this hour'],
  ['Cisco, of one reverse-path,', 'RCPT', 'recipient', '452 4.7.1 Too many recipients received from the sender'],
  ['Cisco', 'RCPT', 'refused', '550 #5.1.0 Address rejected.'],
  ['Symantec', 'MAIL', 'slower', '460 too many messages (#4.3.0)'],
  ['Rspamd, of one recipient,', 'dot', 'message', '451 4.7.1 Ratelimit "to" exceeded'],
  ['Stalwart', 'MAIL', 'slower', '452 4.4.5 Rate limit exceeded, try again later.'],
  ['Postfix', 'MAIL', 'slower', '450 4.7.1 Error: too much mail from 192.0.2.1'],
  ['Postfix', 'MAIL', 'hop', '452 4.3.1 Insufficient system storage'],
  ['Postfix', 'MAIL', 'message', '451 4.3.5 Server configuration error'],
  ['Postfix', 'RCPT', 'recipient', '451 4.3.5 <a@x.test>: Recipient address rejected: Server configuration error'],
  ['Postfix', 'dot', 'message', '451 4.3.0 Error: queue file write error'],
  ['Postfix', 'MAIL', 'refused', '501 5.1.7 Bad sender address syntax'],
  ['Postfix', 'MAIL', 'refused', '553 5.7.1 <a@x.test>: Sender address rejected: not owned by user b'],
  ['Postfix', 'MAIL', 'hop', '530 5.7.0 Must issue a STARTTLS command first'],
  ['Postfix', 'dot', 'refused', '554 5.4.0 Error: too many hops'],
  ['Exim', 'MAIL', 'slower', '450 Sender rate overlimit - 101.2 / 1h'],
  [
    'cPanel',
    'RCPT',
    'slower',
    '550 Domain x.test has exceeded the max emails per hour (100/100 (100%)) allowed.  Message discarded.',
  ],
  [
    'cbpolicyd',
    'RCPT',
    'slower',
    '450 4.7.1 <a@x.test>: Recipient address rejected: Policy rejection; Message quota exceeded',
  ],
  [
    'Yahoo',
    'MAIL',
    'hop',
    '421 4.7.0 [TSS04] Messages from 192.0.2.1 temporarily deferred due to unexpected volume or user complaints',
  ],
  ['Yahoo', 'dot', 'refused', '554 5.7.9 Message not accepted for policy reasons.'],
  ['Yandex', 'MAIL', 'refused', '553 5.7.1 Sender address rejected: not owned by auth user.'],
  ['Yandex', 'dot', 'message', '450 4.2.1 The recipient has exceeded message rate limit'],
  ['Mimecast', 'RCPT', 'refused', '550 Rejected by header based manually Blocked Senders'],
  // full mailboxes
  ['Google', 'RCPT', 'recipient', '452 4.2.2 The email account that you tried to reach is over quota.'],
  ['Google', 'RCPT', 'refused', '552 5.2.2 The email account that you tried to reach is over quota and inactive.'],
  ['no product', 'dot', 'refused', '552 5.2.2 mailbox limit exceeded'],
  ['no product', 'RCPT', 'refused', '552 5.2.2 The daily quota of this mailbox is exceeded'],
  ['no product', 'dot', 'refused', '552 5.3.4 limit of 100 MB per message exceeded'],
  ['Postfix', 'dot', 'hop', '452 4.3.1 Insufficient system storage'],
  ['Exchange', 'DATA', 'hop', '452 4.3.1 Insufficient system resources'],
  ['Sendmail', 'dot', 'hop', '452 4.4.5 Out of disk space for temp file'],
  ['no product', 'dot', 'message', '452 4.2.2 mailbox full'],
  ['Dovecot', 'RCPT', 'refused', '552 5.2.2 Quota exceeded (mailbox for user is full)'],
  // logins
  ['RFC 4954', 'MAIL', 'hop', '535 5.7.8 Authentication credentials invalid'],
  ['Courier', 'RCPT', 'refused', '523 Message length (5000 bytes) exceeds administrative limit.'],
  ['Courier', 'RCPT', 'refused', '525 5.2.1 mailbox'],
  // domains that take no mail
  ['RFC 7504', 'RCPT', 'refused', '556 5.1.10 Recipient address has null MX'],
  ['RFC 7505', 'MAIL', 'refused', '550 5.7.27 Sender address has null MX'],
  ['RFC 7504', 'banner', 'hop', '521 server does not accept mail'],
  // statuses that are at odds, and statuses anywhere
  ['contradiction', 'RCPT', 'refused', '550 4.2.1 mailbox disabled'],
  ['contradiction', 'RCPT', 'recipient', '450 5.1.1 user unknown'],
  ['two statuses', 'dot', 'refused', '554-5.7.1 no\r\n554 4.7.1 later'],
  ['one line', 'dot', 'message', '451-see\r\n451-4.7.1 here\r\n451 and there'],
  ['no text', 'dot', 'refused', '554'],
  // openings
  ['SendGrid', 'AUTH', 'hop', '451 Authentication failed: Maximum credits exceeded'],
  ['RFC 4954', 'AUTH', 'hop', '432 4.7.12 A password transition is needed'],
  ['RFC 4954', 'AUTH', 'hop', '454 4.7.0 Temporary authentication failure'],
  ['RFC 3207', 'STARTTLS', 'hop', '454 4.7.0 TLS not available due to temporary reason'],
  ['Brevo', 'AUTH', 'hop', '525 5.7.1 Unauthorized IP address'],
])('cases U02, U12, U22, U23: what %s says at %s is %s: %s', (_product, stage, verdict, line) => {
  expect(verdictOf(outcomeAt(stage, answered(line)))).toBe(verdict)
})
