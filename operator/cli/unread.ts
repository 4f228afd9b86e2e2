/** Words for a person where part of a folder could not be read, and a missing object may be in that part. Pure. */
import { few } from '../few.ts'
import type { Directory } from '../local/directory.ts'

type Read = Pick<Directory, 'unread'>

/** To append to a message about a missing object; empty where everything was read, or for a cluster. */
export const mayBeUnread = (directory: Read | undefined): string =>
  directory === undefined || directory.unread.length === 0
    ? ''
    : `; it may be in ${few(directory.unread, ', ')}, which could not be read: relayfleet check tells why`

/** A line about what is missing in an answer; undefined where everything was read. */
export const leftUnread = ({ unread }: Read): string | undefined =>
  unread.length === 0 ? undefined : `${few(unread, ', ')} could not be read: relayfleet check tells why`
