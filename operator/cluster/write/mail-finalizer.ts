/** The finalizer that keeps a deleted RelayPolicy, and with it its relays, until their mail is gone. */
import type { ObjectMeta } from '../api/object.ts'

const mailFinalizer = 'relayfleet.dev/mail'

/**
 * The finalizer of Kubernetes for --cascade=foreground: while it is there, the garbage collector deletes all that the object
 * owns.
 */
const foreground = 'foregroundDeletion'
/** The one for --cascade=orphan: while it is there, the collector removes the owner from all that the object owns. */
const orphan = 'orphan'

type Finalized = Pick<ObjectMeta, 'finalizers'>

export const isKept = ({ finalizers = [] }: Finalized): boolean => finalizers.includes(mailFinalizer)

/** While this is so, whatever is made is deleted at once; after it, the relays come back for their mail. */
export const isCollected = ({ finalizers = [] }: Finalized): boolean => finalizers.includes(foreground)

export const isOrphaning = ({ finalizers = [] }: Finalized): boolean => finalizers.includes(orphan)

export const withFinalizer = ({ finalizers = [] }: Finalized): readonly string[] => [...finalizers, mailFinalizer]

export const withoutFinalizer = ({ finalizers = [] }: Finalized): readonly string[] =>
  finalizers.filter((one) => one !== mailFinalizer)

/** What had become of the mail when the finalizer was taken off a deleted policy. */
export type LetGo = 'none' | 'given up' | 'went with its namespace'
