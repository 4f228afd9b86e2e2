/** How Node runs a relay wherever one is started: in a pod, on this machine, in a test. */
import { dirname, join } from 'node:path'

/** `main` is the relay's program; its openssl.cnf lies beside it. */
export const nodeFlags = (main: string): readonly string[] => [
  // Young objects: Node's default keeps up to 134 MB for them, whatever is in the queue; this needs a quarter of it at the same
  // CPU.
  '--max-semi-space-size=8',
  // Old space is collected when it has grown by 60 % since the last time; with 100 %, a crowd of a thousand takes 15 MB more
  // (decision 0059).
  '--heap-growing-percent=60',
  // One thread helps the garbage collector: four of them on two cores take time from the relay itself and its neighbours (case
  // R15).
  '--v8-pool-size=1',
  // No TLS 1.3 tickets: no session is resumed (inbound/handshakes.ts), and each ticket would cost a write and a wait for it.
  `--openssl-config=${join(dirname(main), 'openssl.cnf')}`,
  // At this signal Node would open a debugger, which obeys whoever connects to it on this machine, or from beside it in its pod.
  '--disable-sigusr1',
]
