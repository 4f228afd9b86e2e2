/** How Node runs a relay wherever one is started: in a pod, on this machine, in a test. */
import { dirname, join } from 'node:path'

/** `main` is the relay's program; its openssl.cnf lies beside it. */
export const nodeFlags = (main: string): readonly string[] => [
  // Node's own keeps up to 134 MB for young objects, whatever is in the queue; a quarter of the memory, at the same CPU.
  '--max-semi-space-size=8',
  // What was alive and 60 % of it, before old space is collected: with twice, a crowd of a thousand takes 15 MB more (decision 0059).
  '--heap-growing-percent=60',
  // One thread helps to collect: four on two cores take them from the relay itself, and from everybody beside it (case R15).
  '--v8-pool-size=1',
  // Nobody resumes a session (inbound/handshakes.ts), and a ticket costs every client a write, and its wait for it.
  `--openssl-config=${join(dirname(main), 'openssl.cnf')}`,
]
