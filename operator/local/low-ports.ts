/** Finds out whether this process may listen on ports below 1024, by trying: users, capabilities and sysctls all play a part. */
import { createServer } from 'node:net'

/** The lowest port to which mail is submitted. */
const smtp = 25

export function lowPortsAllowed(port = smtp): Promise<boolean> {
  const server = createServer()
  return new Promise((resolve) => {
    // Any error but EACCES, e.g. that the port is in use, comes only after the permission was checked.
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code !== 'EACCES'))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}
