/** A valid spec of each kind, and functions that vary one field of it and give the verdict on the variant. */

export type Verdict = {
  readonly name: string
  readonly kind: 'RelayPolicy' | 'SenderDomain' | 'RelayCredential'
  readonly metadataName?: string
  readonly spec: Readonly<Record<string, unknown>>
  /** The field that is refused; absent if the object is accepted. */
  readonly refused?: string
  /** An API server accepts it, since neither schema nor CEL can express the rule; only the operator refuses it. */
  readonly onlyHere?: true
}

export const route = { name: 'default', smarthosts: [{ name: 'out', host: 'smtp.example.net' }] }
export const policySpec = {
  environment: 'Production',
  listeners: [{ name: 'submission', port: 587 }],
  routes: [route],
}
export const domainSpec = { domain: 'mail.example.org', environment: 'Production' }
export const credentialSpec = { policyRef: { name: 'shared' }, senderDomainRefs: [{ name: 'example' }] }

export const policy = (name: string, more: object, refused?: string, onlyHere?: true): Verdict => ({
  name,
  kind: 'RelayPolicy',
  spec: { ...policySpec, ...more },
  ...(refused === undefined ? {} : { refused }),
  ...(onlyHere === undefined ? {} : { onlyHere }),
})
export const domain = (name: string, more: object, refused?: string, onlyHere?: true): Verdict => ({
  ...policy(name, {}, refused, onlyHere),
  kind: 'SenderDomain',
  spec: { ...domainSpec, ...more },
})
export const credential = (name: string, more: object, refused?: string, onlyHere?: true): Verdict => ({
  ...policy(name, {}, refused, onlyHere),
  kind: 'RelayCredential',
  spec: { ...credentialSpec, ...more },
})

export const targetZone = 'keys.example'
export const delegated = { publisher: 'CNAME', targetZone }
export const provided = { mode: 'Provided', secretRef: { name: 'keys' } }
export const off = { mode: 'Off', signedBy: 'Smarthost' }
export const smarthost = (more: object) => ({
  routes: [{ name: 'default', smarthosts: [{ ...route.smarthosts[0], ...more }] }],
})
export const toExchangers = (more: object) => ({
  hostname: 'relay.example.org',
  routes: [{ name: 'default', type: 'MX', ...more }],
})
export const matched = (match: object) => ({ routes: [{ ...route, name: 'first', match }, route] })
export const admits = (namespaces: object) => ({ admission: { credentials: { namespaces } } })
export const selecting = (selector: object) => ({ from: 'Selector', selector })
export const expression = (operator: string, values?: readonly string[]) => ({
  matchExpressions: [{ key: 'tier', operator, ...(values === undefined ? {} : { values }) }],
})
type Expressions = ReturnType<typeof expression>
export const both = (one: Expressions, other: Expressions) => ({
  matchExpressions: [...one.matchExpressions, ...other.matchExpressions],
})
export const store = (more: object) => ({ limitStore: { host: 'valkey.mail.svc', ...more } })
export const limits = (more: object) => ({ admission: { limits: more } })
export const throttled = (more: object = {}) => ({
  throttles: [{ name: 'per-app', scope: ['Credential'], rate: { count: 600, per: '1m' }, ...more }],
})
export const listener = (more: object) => ({ listeners: [{ name: 'submission', port: 587, ...more }] })
export const asks = { mode: 'Required', caRef: { name: 'clients' } }
export const web = { uris: ['spiffe://corp.example/web'] }
export const certificate = (subjectAltNames: object) => ({
  type: 'ClientCertificate',
  clientCertificate: { caRef: asks.caRef, subjectAltNames },
})
export const credentialsField = 'spec.admission.credentials.namespaces.selector'
