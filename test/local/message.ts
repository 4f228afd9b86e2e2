/** A small well-formed message, as an application would write it. */

type Parts = { readonly from: string; readonly id?: string; readonly subject?: string; readonly text?: string }

/** An RFC 5322 message with CR LF; `from` is put into the From field as it is. */
export const message = ({ from, id = 'fixed@corp.test', subject = 'a test', text = 'Hello.\r\n' }: Parts): string =>
  [
    `From: ${from}`,
    'To: someone@elsewhere.test',
    `Subject: ${subject}`,
    `Message-ID: <${id}>`,
    'Date: Mon, 05 Jan 2026 10:00:00 +0000',
    '',
    text,
  ].join('\r\n')
