/** The relay's command line: few options, all of them checked; an unknown one is an error, never ignored. */
import { parseArgs } from 'node:util'

export type Arguments = {
  /** The folder of relay.json and the files that it names. */
  readonly config: string
  /** The relay's own volume: spool, inbox, last good configuration. */
  readonly data: string
  readonly http: { readonly host: string; readonly port: number }
  /** Ends when its parent does: the parent holds the other end of standard input. */
  readonly parentPipe: boolean
}

/** @throws Error whose message tells a person what to change. */
export function readArguments(argv: readonly string[]): Arguments {
  const { values } = parseArgs({
    args: [...argv],
    strict: true,
    options: {
      config: { type: 'string' },
      data: { type: 'string' },
      http: { type: 'string', default: '127.0.0.1:9465' },
      'parent-pipe': { type: 'boolean', default: false },
    },
  })
  if (values.config === undefined) throw new Error('--config DIR is missing: the folder that holds relay.json')
  if (values.data === undefined) throw new Error('--data DIR is missing: the folder for spool and inbox')
  return {
    config: values.config,
    data: values.data,
    http: hostAndPort(values.http),
    parentPipe: values['parent-pipe'],
  }
}

function hostAndPort(text: string): { host: string; port: number } {
  const match = /^\[?([0-9a-zA-Z.:-]+?)\]?:([0-9]{1,5})$/.exec(text)
  const [, host, port] = match ?? []
  if (host === undefined || Number(port) > 65535)
    throw new Error(`--http ${text}: write HOST:PORT, e.g. 127.0.0.1:9465`)
  return { host, port: Number(port) }
}
