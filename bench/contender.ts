/** A server that takes part in the race: it runs, clients can submit to it, and it delivers into a sink. */
import type { Access } from '../test/local/smtp-session.ts'

export type Contender = {
  readonly name: string
  /** The server's process, or the one that traces it; all other processes of the server descend from it. */
  readonly pid: number
  readonly access: Access
  stop(): Promise<void>
}

export type Setting = {
  /** An empty folder of its own, on the disk that is measured. */
  readonly folder: string
  readonly certificates: { readonly ca: string; readonly cert: string; readonly key: string }
  readonly sink: { readonly port: number }
  /** A command line that is put before the server's own, e.g. strace. */
  readonly trace?: readonly string[]
}
