/**
 * The names of a fleet's objects. Those beside the main ones end in a fixed word, so that only a policy `x-pods` beside a policy `x`
 * asks for a name that is taken: that of a Service (decision 0013).
 */

/** The headless Service that names each pod. */
export const podsServiceName = (policy: string): string => `${policy}-pods`

/** The Secret with the certificate that the operator issues for the fleet's listeners: `tls.crt` and `tls.key`. */
export const issuedSecretName = (policy: string): string => `${policy}-relay-tls`

/**
 * Over how many Secrets DKIM keys or a configuration are spread. The pod template names all of them, so a change would restart
 * all pods.
 */
const signingShards = 8
const configShards = 12

/** The Secrets with the DKIM private keys; the name of a key's file decides in which one it is. */
export const signingSecretNames = (policy: string): readonly string[] =>
  Array.from({ length: signingShards }, (_, i) => `${policy}-relay-dkim-${i}`)

export const configSecretNames = (policy: string): readonly string[] =>
  Array.from({ length: configShards }, (_, i) => `${policy}-relay-config-${i}`)

/** The relay's container. A pod may have others, e.g. a proxy that a service mesh injects. */
export const relayContainerName = 'relay'

/** The volume with everything that a relay must not lose, its spool above all. */
export const dataVolume = 'data'

/** The name of a pod's volume claim, as the StatefulSet controller forms it. */
export const claimName = (pod: string): string => `${dataVolume}-${pod}`
