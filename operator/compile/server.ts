/**
 * A server that relays connect to, a smarthost or a limit store: how its certificate is verified, how to log in, and the files
 * for both.
 */
import type { References, Resolved } from './references.ts'
import { caFileOf, loginFiles } from './relay-files.ts'

type Referred = { readonly name: string }
type Server<Mode> = {
  readonly tls: { readonly mode: Mode; readonly caRef?: Referred | undefined }
  readonly authRef?: Referred | undefined
}

export const tlsTo = <Mode>({ tls: { mode, caRef } }: Server<Mode>) => ({
  mode,
  ...(caRef !== undefined && { caFile: caFileOf(caRef) }),
})

export const authAt = ({ authRef }: Server<unknown>) => (authRef === undefined ? {} : { auth: loginFiles(authRef) })

/** `field` is the path at which the server is declared, e.g. `spec.limitStore`. */
export function serverFiles(
  { tls: { caRef }, authRef }: Server<unknown>,
  namespace: string,
  field: string,
  references: References,
): readonly Resolved[] {
  return [
    ...(caRef === undefined ? [] : [references.authority(`${namespace}/${caRef.name}`, `${field}.tls.caRef`)]),
    ...(authRef === undefined ? [] : [references.login(`${namespace}/${authRef.name}`, `${field}.authRef`)]),
  ]
}
