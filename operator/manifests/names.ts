/** The names of a fleet's objects. All but the Services end in a word of their own, so that no two fleets meet. */

/** The headless Service that names each pod. */
export const podsServiceName = (policy: string): string => `${policy}-pods`

/** The Secret with the certificate that the operator issues for the fleet's listeners: `tls.crt` and `tls.key`. */
export const issuedSecretName = (policy: string): string => `${policy}-relay-tls`

/** How many Secrets keys or a configuration may be spread over: the numbers are in the pod template, so they never change. */
const signingShards = 8
const configShards = 12

/** The Secrets with the private keys that its relays sign with, spread over them by the name of the file. */
export const signingSecretNames = (policy: string): readonly string[] =>
  Array.from({ length: signingShards }, (_, i) => `${policy}-relay-dkim-${i}`)

export const configSecretNames = (policy: string): readonly string[] =>
  Array.from({ length: configShards }, (_, i) => `${policy}-relay-config-${i}`)

/** Of a pod; whatever else is in it was put beside it by somebody, as a proxy. */
export const relayContainerName = 'relay'

/** The volume with what a relay may not lose. */
export const dataVolume = 'data'

/** The claim of a pod's volume, by the StatefulSet's own rule. */
export const claimName = (pod: string): string => `${dataVolume}-${pod}`
