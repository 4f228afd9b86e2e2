/** When each key was last used, kept in a file, so that no key looks unused because the relay was started again. */
import { LineFile, type LineForm } from '../line-file.ts'

export type KeyUse = {
  /** Milliseconds since the epoch. */
  readonly at: number
  /** The address of the client. */
  readonly client: string
}

// The zone of a link-local address is the name of an interface, which may have any character but a slash and white space
// (RFC 4007 section 11).
const line = /^(\S+\/\S+ [\x21-\x7e]{1,64}) (\d{1,15}) ([0-9a-fA-F:.]{2,45}(?:%[^\s/]{1,15})?)$/

const form: LineForm<KeyUse> = {
  print: (key, { at, client }) => `${key} ${at} ${client}`,
  parse(text) {
    const [, key, at, client] = line.exec(text) ?? []
    return key === undefined || client === undefined ? undefined : [key, { at: Number(at), client }]
  },
}

export type KeyUsesFile = LineFile<KeyUse>

/**
 * `failed` is called once for each trouble with the disk. All goes on without the file, but a restart then forgets the uses
 * that could not be written.
 */
export const openKeyUsesFile = (path: string, failed: (why: string) => void): KeyUsesFile =>
  new LineFile(path, form, failed)
