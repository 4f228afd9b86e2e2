/** A cluster while it is held, and what takes it away again. */
import type { Access } from './access.ts'
import type { Tier } from './choose.ts'

/** All that a test needs to know of its cluster; plain values, since it crosses processes. */
export type Cluster = {
  readonly tier: Tier
  /** Names this test run: the label of whatever it makes in a cluster that outlives it. */
  readonly run: string
  /** A file of its own, with this one cluster in it. */
  readonly kubeconfig: string
  readonly kubectl: string
  readonly access: Access
  /** Does anything fill a new namespace, collect garbage and make the objects of controllers? */
  readonly controllers: boolean
  /** Takes the file of an OCI archive as its last argument and loads it into the node. */
  readonly imageLoader?: readonly string[]
}

/** Undoes one thing; called once, the latest first. */
export type Closer = () => void | Promise<void>

/** What a cluster is opened with: a folder that is removed at the end, and a place for what has to be undone before. */
export type Hold = { readonly folder: string; readonly run: string; readonly atClose: (closer: Closer) => void }
