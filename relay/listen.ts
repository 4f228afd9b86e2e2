/** Listens at an address; `::` falls back to `0.0.0.0` where the kernel has no IPv6. */
import { once } from 'node:events'
import type { Server } from 'node:net'

/** A kernel that was started without IPv6 (`ipv6.disable=1`) has no `::`: there, `0.0.0.0` is everywhere. */
const everywhere = { ipv6: '::', ipv4: '0.0.0.0' }

/** Resolves when it listens. @throws Error where the address can not be bound. */
export async function listen(server: Server, { host, port }: { host: string; port: number }): Promise<void> {
  try {
    await once(server.listen(port, host), 'listening')
  } catch (error) {
    if (host !== everywhere.ipv6 || (error as NodeJS.ErrnoException).code !== 'EAFNOSUPPORT') throw error
    await once(server.listen(port, everywhere.ipv4), 'listening')
  }
}
