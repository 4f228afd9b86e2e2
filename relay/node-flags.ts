/** How Node runs a relay wherever one is started: in a pod, on this machine, in a test. */

export const nodeFlags: readonly string[] = [
  // Node's own keeps up to 134 MB for young objects, whatever is in the queue; a quarter of the memory, at the same CPU.
  '--max-semi-space-size=8',
]
