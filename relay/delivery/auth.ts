/** AUTH towards a smarthost (RFC 4954): the dialog of each mechanism that we speak, best first. */
import type { Capabilities } from './capabilities.ts'

export type Login = { readonly username: string; readonly password: string }

const base64 = (text: string): string => Buffer.from(text, 'utf8').toString('base64')

/** What we say, line by line; every line but the last is to be answered 334, the last 235. */
const dialogs = {
  PLAIN: ({ username, password }: Login) => [`AUTH PLAIN ${base64(`\0${username}\0${password}`)}`],
  LOGIN: ({ username, password }: Login) => ['AUTH LOGIN', base64(username), base64(password)],
} as const

/** The dialog of the best mechanism that the smarthost offers, or undefined. */
export function loginDialog(capabilities: Capabilities, login: Login): readonly string[] | undefined {
  if (capabilities.auth.has('PLAIN')) return dialogs.PLAIN(login)
  if (capabilities.auth.has('LOGIN')) return dialogs.LOGIN(login)
  return undefined
}

/** A foreign text without the secret, should the smarthost repeat what we sent. */
export function withoutSecrets(text: string, login: Login): string {
  const { password } = login
  const said = [...dialogs.PLAIN(login), ...dialogs.LOGIN(login)].map((line) => line.split(' ').at(-1) ?? '')
  const secrets = [password, ...said].filter((secret) => secret !== '' && secret !== 'LOGIN')
  return secrets.reduce((clean, secret) => clean.replaceAll(secret, '***'), text)
}
