/** Where everything lies in the folder of a spool. */
import { join } from 'node:path'

export type Paths = ReturnType<typeof pathsOf>

export const pathsOf = (directory: string) => ({
  directory,
  identity: join(directory, 'identity'),
  journal: join(directory, 'journal'),
  large: join(directory, 'large'),
  quarantine: join(directory, 'quarantine'),
  /** A segment that gave its room back while there was no other: with it, a journal without segments is one without mail. */
  emptied: join(directory, 'journal', 'emptied'),
  segment: (name: string): string => join(directory, 'journal', name),
  content: (queueId: string): string => join(directory, 'large', `${queueId}.eml`),
  setAside: (name: string): string => join(directory, 'quarantine', name),
})
