/** A port of a pod as a port of this machine, for as long as it is needed. */
import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import type { ChosenConnection, PodPort } from '../api/connection.ts'

export type Forward = {
  readonly port: number
  /** Why the way to the pod did not open, or closed, where somebody said so. */
  trouble(): string | undefined
  close(): void
}

export async function openForward({ join }: Pick<ChosenConnection, 'join'>, pod: PodPort): Promise<Forward> {
  let trouble: string | undefined
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', ({ message }) => {
      trouble ??= message
    })
    join(pod, socket).catch((error: Error) => {
      trouble ??= error.message
      socket.destroy()
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    trouble: () => trouble,
    close() {
      server.close()
      for (const socket of sockets) socket.destroy()
    },
  }
}
