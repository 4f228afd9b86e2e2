/** When each key was last used, in a file that outlives the process: a restart makes no key look unused. */
import { LineFile, type LineForm } from '../line-file.ts'

export type KeyUse = {
  /** Milliseconds since the epoch. */
  readonly at: number
  /** The address of the client. */
  readonly client: string
}

// The zone of a link-local address is the name of an interface, which may have any character but a slash and white space.
const line = /^(\S+\/\S+ [\x21-\x7e]{1,64}) (\d{1,15}) ([0-9a-fA-F:.]{2,45}(?:%[^\s/]{1,15})?)$/

const form: LineForm<KeyUse> = {
  print: (key, { at, client }) => `${key} ${at} ${client}`,
  parse(text) {
    const [, key, at, client] = line.exec(text) ?? []
    return key === undefined || client === undefined ? undefined : [key, { at: Number(at), client }]
  },
}

export type KeyUsesFile = LineFile<KeyUse>

/** `failed` is told once of each trouble; a restart would forget what could not be written. */
export const openKeyUsesFile = (path: string, failed: (why: string) => void): KeyUsesFile =>
  new LineFile(path, form, failed)
