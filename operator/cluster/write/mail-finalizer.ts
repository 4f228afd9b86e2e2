/** What keeps a RelayPolicy that somebody deletes, and with it its relays, until their mail is gone: a finalizer. */
import type { ObjectMeta } from '../api/object.ts'

const mailFinalizer = 'relayfleet.dev/mail'

/** Kubernetes' own, while the garbage collector removes all that the object owns, whatever else keeps the object. */
const foreground = 'foregroundDeletion'
/** Likewise, while it takes the owner from all that the object owns. */
const orphan = 'orphan'

type Finalized = Pick<ObjectMeta, 'finalizers'>

export const isKept = ({ finalizers = [] }: Finalized): boolean => finalizers.includes(mailFinalizer)

/** While the collector is at work, whatever is made goes at once; after that, the relays come back for their mail. */
export const isCollected = ({ finalizers = [] }: Finalized): boolean => finalizers.includes(foreground)

export const isOrphaning = ({ finalizers = [] }: Finalized): boolean => finalizers.includes(orphan)

export const withFinalizer = ({ finalizers = [] }: Finalized): readonly string[] => [...finalizers, mailFinalizer]

export const withoutFinalizer = ({ finalizers = [] }: Finalized): readonly string[] =>
  finalizers.filter((one) => one !== mailFinalizer)

/** What had become of its mail when a policy that was deleted was kept no longer. */
export type LetGo = 'none' | 'given up' | 'went with its namespace'
