/** What the sender of a failed message can do about it, by the enhanced status (RFC 3463). */

/** The first prefix that fits wins. */
const advices: readonly (readonly [prefix: string, advice: string])[] = [
  ['5.1.10', 'The domain takes no mail at all. Ask the recipient for another address.'],
  ['5.1.7', 'The reverse-path of the message was refused. Send with an address that can receive mail.'],
  ['5.1.8', 'The reverse-path of the message was refused. Send with an address that can receive mail.'],
  ['5.1.', 'Check the address for typing errors, or ask the recipient for another one.'],
  ['5.2.2', 'The mailbox is full. Tell the recipient in another way, and send the message again later.'],
  ['5.2.', 'The mailbox cannot take the message now. Tell the recipient in another way.'],
  ['5.3.4', 'The message is too large. Send a smaller one, or a link instead of attachments.'],
  ['5.4.6', 'The message went in a circle between mail systems. Tell the team that runs this relay.'],
  [
    '4.4.7',
    'The time was over before it could be delivered. Ask the team that runs this relay, and send the message again later.',
  ],
  ['5.6.3', 'Let the application encode 8-bit content (quoted-printable or base64), and send the message again.'],
  ['5.6.7', 'Use an address of ASCII letters only; the way to this recipient carries no other.'],
  [
    '5.6.9',
    'Let the application write its header in ASCII, other letters in encoded-words (RFC 2047), and send it again.',
  ],
  ['5.6.', 'The form of the message was refused. Check how the application builds it.'],
  ['5.7.', 'The message was refused by policy. Show the reply above to the team that runs this relay.'],
]
const generalAdvice = 'Show the reply above to the team that runs this relay.'

export const adviceFor = (status: string): string =>
  advices.find(([prefix]) => status.startsWith(prefix))?.[1] ?? generalAdvice
