/** AUTH towards a smarthost (RFC 4954): the dialog of each mechanism that we speak, best first. */
import { printable } from './answer.ts'
import type { Capabilities } from './capabilities.ts'

export type Login = { readonly username: string; readonly password: string }

const base64 = (text: string): string => Buffer.from(text, 'utf8').toString('base64')

/** RFC 5321 section 4.5.3.1.4 allows 512 octets with CR LF; a longer response follows after the challenge (RFC 4954 section 4). */
const longestCommand = 510

/** What we say, line by line; every line but the last is to be answered 334, the last 235, or any 2yz. */
const dialogs = {
  PLAIN: ({ username, password }: Login) => {
    const said = base64(`\0${username}\0${password}`)
    const command = `AUTH PLAIN ${said}`
    return command.length <= longestCommand ? [command] : ['AUTH PLAIN', said]
  },
  LOGIN: ({ username, password }: Login) => ['AUTH LOGIN', base64(username), base64(password)],
} as const

const mechanisms = ['PLAIN', 'LOGIN'] as const

/** The dialogs of those mechanisms that the smarthost offers. */
export const loginDialogs = (capabilities: Capabilities, login: Login): readonly (readonly string[])[] =>
  mechanisms.filter((name) => capabilities.auth.has(name)).map((name) => dialogs[name](login))

/** A run of base64 that is long enough to give some of a secret away. */
const run = /[A-Za-z0-9+/]{8,}/g

/** Returns what masks the login in a foreign text: a smarthost may repeat what we sent, whole or in part. */
export function withoutSecrets(login: Login): (text: string) => string {
  const { password } = login
  const lines = [...dialogs.PLAIN(login), ...dialogs.LOGIN(login)].map((line) => line.split(' ').at(-1) ?? '')
  const said = lines.filter((line) => !Object.hasOwn(dialogs, line))
  // Replies are read as Latin-1, and so may the password be. It is masked after the lines that we said, which it may be part of.
  const asRead = Buffer.from(password).toString('latin1')
  const secrets = [...said, password, asRead, printable(asRead)].filter((secret) => secret !== '')
  const masked = (word: string): string => (secrets.some((secret) => secret.includes(word)) ? '***' : word)
  return (text) => secrets.reduce((rest, secret) => rest.replaceAll(secret, '***'), text).replace(run, masked)
}
