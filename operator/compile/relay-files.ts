/** The paths of the files that a policy refers to, relative to the folder of a relay's configuration. Pure. */

type Named = { readonly name: string }

/** For a listener's certificate; named after the listener. */
export const certificateFolder = ({ name }: Named): string => `tls/${name}`
/** For an authority; named after the Secret or ConfigMap that has its certificates. */
export const authorityFolder = ({ name }: Named): string => `ca/${name}`
/** For a username and password; named after their Secret. */
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
