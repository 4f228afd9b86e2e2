/** A listener: its port, its certificate, and a conversation for each client that connects. */
import type { AddressInfo, Socket } from 'node:net'
import { createSecureContext } from 'node:tls'
import { SMTPServer, type SMTPServerDataStream, type SMTPServerSession } from 'smtp-server'
import type { ListenerConfig } from '../config.ts'
import { refusal } from '../mail/rule.ts'
import { type Begin, Connection } from './connection.ts'
import type { Conversation } from './conversation.ts'
import { idleMs } from './limits.ts'
import { toWire } from './wire.ts'

export type Certificate = { readonly cert: string; readonly key: string }

export type Listener = {
  readonly address: string
  readonly port: number
  /** New handshakes use this; sessions go on. @throws Error when certificate and key can not be used. */
  renew(certificate: Certificate, minVersion: ListenerConfig['tls']['minVersion']): void
  /** Takes no new connections; sessions go on. */
  stop(): void
}

/** @throws Error when the address can not be bound or the certificate not be used. */
export async function openListener(config: ListenerConfig, certificate: Certificate, begin: Begin): Promise<Listener> {
  const server = new Server(config, certificate, begin)
  const net = server.server
  const opened = Promise.withResolvers<void>()
  net.once('listening', opened.resolve).once('error', opened.reject)
  net.listen(config.port, config.address)
  await opened.promise
  const { address, port } = net.address() as AddressInfo
  return {
    address,
    port,
    renew: (next, minVersion) => server.renew(next, minVersion),
    // Not SMTPServer.close(): that answers 421 to the next command of every session.
    stop: () => void net.close(),
  }
}

const secureOptions = ({ cert, key }: Certificate, minVersion: ListenerConfig['tls']['minVersion']) => {
  // smtp-server fills in its own private key, which all the world knows, where there is none.
  if (cert === '' || key === '') throw new Error('certificate or key is empty')
  const options = { cert, key, minVersion: `TLSv${minVersion}` } as const
  createSecureContext(options)
  return options
}

class Server extends SMTPServer {
  readonly #begin: Begin
  readonly #conversations = new WeakMap<SMTPServerSession, Conversation>()

  constructor(config: ListenerConfig, certificate: Certificate, begin: Begin) {
    super({
      ...secureOptions(certificate, config.tls.minVersion),
      // With needsUpgrade the handshake of an Implicit listener is the connection's, as it is after STARTTLS.
      ...(config.tls.mode === 'Implicit' && { secure: true, needsUpgrade: true }),
      authOptional: true,
      disableReverseLookup: true,
      hideENHANCEDSTATUSCODES: true,
      socketTimeout: idleMs,
      logger: false,
    })
    this.#begin = begin
  }

  renew(certificate: Certificate, minVersion: ListenerConfig['tls']['minVersion']): void {
    this.updateSecureContext(secureOptions(certificate, minVersion))
  }

  override connect(socket: Socket, options?: { id: string }): void {
    if (socket.destroyed) return
    const connection = new Connection(this, socket, options, this.#begin)
    this.#conversations.set(connection.session, connection.conversation)
    this.connections.add(connection)
    connection.init()
  }

  override onData(
    stream: SMTPServerDataStream,
    session: SMTPServerSession,
    callback: (error?: Error | null, message?: string) => void,
  ): void {
    const answer = async (): Promise<void> => {
      const said = await this.#conversations.get(session)?.receive(stream)
      if (!said) return
      if (said.code === 250) callback(null, `${said.status} ${said.text}`)
      else callback(toWire(said))
    }
    answer().catch((error: unknown) => {
      this.#conversations.get(session)?.broken(error)
      callback(toWire(refusal('always.unavailable').reply))
    })
  }

  /** Listening tells its own errors, connections theirs. */
  override _onError(): void {}
}
