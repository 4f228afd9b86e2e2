/** `receive`: a mail server for trying things out, which accepts and prints every message, and keeps none. */
import { once } from 'node:events'
import { isIPv6 } from 'node:net'
import { buffer } from 'node:stream/consumers'
import type { Command } from 'commander'
import { SMTPServer, type SMTPServerOptions, type SMTPServerSession } from 'smtp-server'
import { outputOption } from './arguments.ts'
import type { Context } from './context.ts'
import { exitCodes, UsageError } from './exit-code.ts'
import type { Terminal } from './terminal.ts'

type Options = { readonly listen: string; readonly output: 'text' | 'json' }

/** More than relays pass on with the default limits. */
const maxMessageBytes = 64 * 1024 * 1024

export const addReceive = (program: Command, { terminal, signal, finish }: Context): Command =>
  program
    .command('receive')
    .summary('a mail server that prints every message, for trying things out')
    .description('Takes every message from everybody, without TLS and login, prints it, and keeps nothing.')
    .option('--listen <host:port>', 'where; :::2525 is every address of this machine', '127.0.0.1:2526')
    .addOption(outputOption('text', 'json'))
    .action(async ({ listen, output }: Options) => {
      const { host, port } = addressIn(listen)
      const server = new SMTPServer(taking((message) => tell(message, output, terminal)))
      // Once it listens, an error concerns a single client. Before that, `once` below rejects with it.
      server.on('error', (error) => server.server.listening && terminal.err(error.message))
      server.listen(port, host)
      await once(server.server, 'listening').catch((error: Error) => {
        throw new Error(`--listen ${listen}: ${error.message}; choose another, or stop who has it`)
      })
      terminal.err(`receiving at ${listen}`)
      if (!signal.aborted) await once(signal, 'abort')
      await new Promise<void>((resolve) => server.close(resolve))
      finish(exitCodes.ok)
    })

/** `127.0.0.1:2526`, `:::2525`. @throws UsageError */
function addressIn(text: string): { readonly host: string; readonly port: number } {
  const [, host = '', port = ''] = /^\[?([^\]]*)\]?:([0-9]{1,5})$/.exec(text) ?? []
  if (host === '' || Number(port) > 65_535) throw new UsageError(`--listen ${text}: write HOST:PORT`)
  return { host, port: Number(port) }
}

type Received = {
  readonly client: string
  readonly reversePath: string
  readonly forwardPaths: readonly string[]
  readonly content: Buffer
}

const taking = (received: (message: Received) => void): SMTPServerOptions => ({
  authOptional: true,
  disabledCommands: ['AUTH', 'STARTTLS'],
  disableReverseLookup: true,
  size: maxMessageBytes,
  // Relays keep their connections open, so on Ctrl-C we do not wait for them to close.
  closeTimeout: 500,
  onData(stream, session, callback) {
    buffer(stream).then((content) => {
      received({ ...envelopeOf(session), content })
      callback(null)
    }, callback)
  },
})

function envelopeOf({ remoteAddress, envelope }: SMTPServerSession): Omit<Received, 'content'> {
  const { mailFrom, rcptTo } = envelope
  return {
    client: isIPv6(remoteAddress) ? `[${remoteAddress}]` : remoteAddress,
    reversePath: mailFrom === false ? '' : mailFrom.address,
    forwardPaths: rcptTo.map((r) => r.address),
  }
}

function tell({ content, ...envelope }: Received, output: Options['output'], terminal: Terminal): void {
  const text = content.toString('latin1')
  if (output === 'json') {
    terminal.out(JSON.stringify({ ...envelope, content: text }))
    return
  }
  terminal.out(`<${envelope.reversePath}> → ${envelope.forwardPaths.join(', ')} from ${envelope.client}`)
  for (const line of text.trimEnd().split(/\r?\n/)) terminal.out(`  ${line}`)
}
