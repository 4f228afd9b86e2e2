/** How a test reaches an API server, as plain values, and the same as a kubeconfig for programs. */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

export type Login = { readonly kind: 'certificate'; readonly cert: string; readonly key: string } | Token
type Token = { readonly kind: 'token'; readonly token: string }

export type Access = { readonly server: string; readonly ca: string; readonly login: Login }

const base64 = (text: string): string => Buffer.from(text).toString('base64')

const userOf = (login: Login): object =>
  login.kind === 'token'
    ? { token: login.token }
    : { 'client-certificate-data': base64(login.cert), 'client-key-data': base64(login.key) }

/** A kubeconfig with one cluster and one user, and without references to other files; in JSON, which is YAML. */
export const kubeconfig = ({ server, ca, login }: Access): string =>
  JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'test', cluster: { server, 'certificate-authority-data': base64(ca) } }],
    users: [{ name: 'test', user: userOf(login) }],
    contexts: [{ name: 'test', context: { cluster: 'test', user: 'test' } }],
    'current-context': 'test',
  })

type Flat = {
  readonly clusters: readonly { readonly cluster: { server: string; 'certificate-authority-data'?: string } }[]
  readonly users: readonly {
    readonly user: { token?: string; 'client-certificate-data'?: string; 'client-key-data'?: string }
  }[]
}

const decoded = (data: string): string => Buffer.from(data, 'base64').toString()

function loginOf(user: Flat['users'][number]['user'] = {}): Login {
  const { token, 'client-certificate-data': cert, 'client-key-data': key } = user
  if (cert !== undefined && key !== undefined) {
    return { kind: 'certificate', cert: decoded(cert), key: decoded(key) }
  }
  if (token !== undefined) return { kind: 'token', token }
  throw new Error('the user of KUBECONFIG has neither a certificate nor a token; tests can not run its login program')
}

/**
 * Reads the current context of a kubeconfig, which may be in several files and refer to others.
 * @throws Error when it logs in by a program.
 */
export async function readAccess(kubectl: string, kubeconfigs: string): Promise<Access> {
  const args = ['config', 'view', '--raw', '--minify', '--flatten', '-o', 'json']
  const env = { ...process.env, KUBECONFIG: kubeconfigs }
  const { stdout } = await promisify(execFile)(kubectl, args, { env })
  const { clusters, users } = JSON.parse(stdout) as Flat
  const { server = '', 'certificate-authority-data': ca = '' } = clusters[0]?.cluster ?? {}
  return { server, ca: decoded(ca), login: loginOf(users[0]?.user) }
}
