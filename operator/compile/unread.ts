/** How far the doubt reaches when something could not be read, since a missing object may be in it. */
import type { Snapshot } from './snapshot.ts'

export type Unread = Pick<Snapshot, 'unread' | 'unreadNamespaces'>

/** Whether this namespace may have objects that were not read. */
export const mayBeUnread = ({ unread, unreadNamespaces }: Unread, namespace: string): boolean =>
  unread.length > 0 && (unreadNamespaces?.has(namespace) ?? true)
