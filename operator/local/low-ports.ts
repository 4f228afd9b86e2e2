/** May this process listen below port 1024? Found out by trying, since users, capabilities and sysctls all have a say. */
import { createServer } from 'node:net'

/** The lowest port that mail is submitted to. */
const smtp = 25

export function lowPortsAllowed(port = smtp): Promise<boolean> {
  const server = createServer()
  return new Promise((resolve) => {
    // A port that is in use was not refused: permission is asked first.
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code !== 'EACCES'))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}
