/** What could not be read, and how far the doubt reaches: what is absent may be in there. */
import type { Snapshot } from './snapshot.ts'

export type Unread = Pick<Snapshot, 'unread' | 'unreadNamespaces'>

/** Whether something in this namespace may be there although nobody has read it. */
export const mayBeUnread = ({ unread, unreadNamespaces }: Unread, namespace: string): boolean =>
  unread.length > 0 && (unreadNamespaces?.has(namespace) ?? true)
