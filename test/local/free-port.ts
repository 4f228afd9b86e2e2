/** Finds a port that nobody listens at, below the range that the kernel takes for outgoing connections, and above etcd's. */
import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type Server } from 'node:net'

/** What was given in this process: nobody may listen there yet. */
const given = new Set<number>()

export async function freePort(): Promise<number> {
  const { port, release } = await heldPort()
  await release()
  return port
}

/** Such a port, at which a server listens until it is released. */
export async function heldPort(): Promise<{ readonly port: number; release(): Promise<void> }> {
  for (;;) {
    const port = randomInt(24_000, 32_000)
    const server = given.has(port) ? undefined : await listeningAt(port)
    if (server === undefined) continue
    given.add(port)
    return {
      port,
      async release() {
        server.close()
        await once(server, 'close')
      },
    }
  }
}

async function listeningAt(port: number): Promise<Server | undefined> {
  const server = createServer().listen(port, '127.0.0.1')
  try {
    await once(server, 'listening')
    return server
  } catch {
    return undefined
  }
}
