/** The relay's command line: few options, all of them checked; an unknown one is an error, never ignored. */
import { parseArgs } from 'node:util'

export type Arguments = {
  /** The folder of relay.json and the files that it names. */
  readonly config: string
  /** The relay's own volume: spool, inbox, last good configuration. */
  readonly data: string
  readonly http: { readonly host: string; readonly port: number }
  /** Which one of the fleet's relays this is, from 0: shares of limits that do not divide evenly go by it. */
  readonly index?: number
  /** The relay ends when its parent does: that holds the other end of standard input. */
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
      index: { type: 'string', default: '' },
      'parent-pipe': { type: 'boolean', default: false },
    },
  })
  if (values.config === undefined) throw new Error('--config DIR is missing: the folder that holds relay.json')
  if (values.data === undefined) throw new Error('--data DIR is missing: the folder for spool and inbox')
  return {
    config: values.config,
    data: values.data,
    http: hostAndPort(values.http),
    ...indexIn(values.index),
    parentPipe: values['parent-pipe'],
  }
}

/** The index; none where the text is empty, as it is where the pod's manifest can not fill it in. */
function indexIn(text: string): Pick<Arguments, 'index'> {
  if (text === '') return {}
  if (!/^[0-9]{1,4}$/.test(text)) throw new Error(`--index ${text}: write a number from 0, e.g. that of the pod`)
  return { index: Number(text) }
}

function hostAndPort(text: string): { host: string; port: number } {
  const match = /^\[?([0-9a-zA-Z.:-]+?)\]?:([0-9]{1,5})$/.exec(text)
  const [, host, port] = match ?? []
  if (host === undefined || Number(port) > 65535)
    throw new Error(`--http ${text}: write HOST:PORT, e.g. 127.0.0.1:9465`)
  return { host, port: Number(port) }
}
