/** What a client asks of the reports on its message: RET and ENVID of MAIL, NOTIFY and ORCPT of RCPT (RFC 3461 section 4). Pure. */

export type Notify = 'NEVER' | 'SUCCESS' | 'FAILURE' | 'DELAY'

/** Of one recipient. */
export type RecipientWish = {
  /** Absent: a failure is reported. */
  readonly notify?: readonly Notify[]
  /** `type;address`, the address as it stands in a command: xtext, or in the form of RFC 6533 section 3 where the type is utf-8. */
  readonly orcpt?: string
}

/** Of the message. */
export type MessageWish = {
  readonly ret?: 'FULL' | 'HDRS'
  /** The client's own name of the transaction, in xtext. */
  readonly envid?: string
}

export type ReportWishes = MessageWish & {
  /** By the position of the forward-path, of those for whom something is asked. */
  readonly recipients?: Readonly<Record<number, RecipientWish>>
}

type Asked = { readonly forwardPaths: readonly string[]; readonly wishes?: ReportWishes }

/** What is asked for a forward-path of the envelope. */
export const wishFor = ({ forwardPaths, wishes }: Asked, forwardPath: string): RecipientWish | undefined =>
  wishes?.recipients?.[forwardPaths.indexOf(forwardPath)]

export const wantsFailure = (wish: RecipientWish | undefined): boolean => wish?.notify?.includes('FAILURE') ?? true

export const wantsSuccess = (wish: RecipientWish | undefined): boolean => wish?.notify?.includes('SUCCESS') ?? false

/** The text that an xtext stands for (RFC 3461 section 4). */
export const plainText = (xtext: string): string =>
  xtext.replace(/\+([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))

/** The parameters of MAIL for a next hop that makes reports, each with a space before it (RFC 3461 section 5.2.1). */
export const mailWish = ({ ret, envid }: MessageWish): string =>
  (ret === undefined ? '' : ` RET=${ret}`) + (envid === undefined ? '' : ` ENVID=${envid}`)

/** … and of RCPT. */
export const rcptWish = ({ notify, orcpt }: RecipientWish): string =>
  (notify === undefined ? '' : ` NOTIFY=${notify.join(',')}`) + (orcpt === undefined ? '' : ` ORCPT=${orcpt}`)
