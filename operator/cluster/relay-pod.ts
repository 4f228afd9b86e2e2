/** A relay's pod, as far as the operator has to know it. */

export type RelayPod = {
  readonly namespace: string
  readonly name: string
  readonly uid: string
  /** Absent until it has one. */
  readonly ip?: string
  /** Of its own pages, by the container port of that name. */
  readonly httpPort?: number
  readonly ready: boolean
  readonly leaving: boolean
  /** Why its container does not run, e.g. `ImagePullBackOff: …`, in the kubelet's words; or why no node takes it. */
  readonly waiting?: string
}
