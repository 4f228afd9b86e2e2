/** What a person is told where part of a folder could not be read: what is missing may be in there. Pure. */
import { few } from '../few.ts'
import type { Directory } from '../local/directory.ts'

type Read = Pick<Directory, 'unread'>

/** Behind a word about an object that is not there; a cluster has no files. */
export const mayBeUnread = (directory: Read | undefined): string =>
  directory === undefined || directory.unread.length === 0
    ? ''
    : `; it may be in ${few(directory.unread, ', ')}, which could not be read: relayfleet check tells why`

/** A line about what is not in an answer; undefined where all is. */
export const leftUnread = ({ unread }: Read): string | undefined =>
  unread.length === 0 ? undefined : `${few(unread, ', ')} could not be read: relayfleet check tells why`
