/** Where relays find what a policy refers to, below the folder of their configuration. Pure. */

type Named = { readonly name: string }

/** By the name of a listener. */
export const certificateFolder = ({ name }: Named): string => `tls/${name}`
/** By the name of the Secret or ConfigMap that the certificates of an authority are in. */
export const authorityFolder = ({ name }: Named): string => `ca/${name}`
/** By the name of the Secret that a login is in. */
export const loginFolder = ({ name }: Named): string => `secrets/${name}`

export const certificateFiles = (listener: Named) => ({
  certificateFile: `${certificateFolder(listener)}/tls.crt`,
  keyFile: `${certificateFolder(listener)}/tls.key`,
})

export const caFileOf = (ref: Named): string => `${authorityFolder(ref)}/ca.crt`

export const loginFiles = (ref: Named) => ({
  usernameFile: `${loginFolder(ref)}/username`,
  passwordFile: `${loginFolder(ref)}/password`,
})
