/** A cluster while a process holds it, and the means to undo it. */
import type { Access } from './access.ts'
import type { Tier } from './choose.ts'

/** All that a test needs to know of its cluster; plain values, since they are passed between processes. */
export type Cluster = {
  readonly tier: Tier
  /** The name of this test run, by which all that it makes in a cluster that outlives it is labelled. */
  readonly run: string
  /** The path of a file of its own, with only this cluster in it. */
  readonly kubeconfig: string
  readonly kubectl: string
  readonly access: Access
  /** Whether a controller manager runs, which fills new namespaces, collects garbage and makes objects. */
  readonly controllers: boolean
  /** A command that loads an image into the node; its last argument is the file of an OCI archive. */
  readonly imageLoader?: readonly string[]
}

/** Undoes one thing. Each is called once, the last one first. */
export type Closer = () => void | Promise<void>

/** What a cluster is opened with: a folder that is removed in the end, and a list of what has to be undone before that. */
export type Hold = { readonly folder: string; readonly run: string; readonly atClose: (closer: Closer) => void }
