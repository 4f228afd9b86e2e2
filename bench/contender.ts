/** What takes part in the race: a running server with a way in, and its way out into a sink. */
import type { Access } from '../test/local/smtp-session.ts'

export type Contender = {
  readonly name: string
  /** Of the server, or of what traces it; the others of its processes descend from it. */
  readonly pid: number
  readonly access: Access
  stop(): Promise<void>
}

export type Setting = {
  /** Its own, empty, on the disk that is measured. */
  readonly folder: string
  readonly certificates: { readonly ca: string; readonly cert: string; readonly key: string }
  readonly sink: { readonly port: number }
  /** A command line that is put before the server's own, e.g. strace. */
  readonly trace?: readonly string[]
}
