/** The trouble between operators and the API server: all named faults, and rights that are withdrawn for a while. */
import { type Seen, status } from '../fault-proxy.ts'
import { type NamedFault, namedFaults } from '../faults/named-faults.ts'

const rights: Readonly<Record<string, RegExp>> = {
  Secrets: /\/secrets(\/|$)/,
  StatefulSets: /\/statefulsets(\/|$)/,
  statuses: /\/status$/,
  SenderDomains: /\/senderdomains(\/|$)/,
  RelayCredentials: /\/relaycredentials(\/|$)/,
  RelayPolicies: /\/relaypolicies(\/|$)/,
  namespaces: /\/namespaces\/[^/]+$/,
  Services: /\/services(\/|$)/,
}

const revoked: readonly NamedFault[] = Object.entries(rights).map(([what, path]) => ({
  ...{ name: `no right to ${what}`, goesOn: false },
  begin: () => (request: Seen) => (path.test(request.path) ? status(403, 'Forbidden') : 'pass'),
}))

export const troubles: readonly NamedFault[] = [...namedFaults, ...revoked]
