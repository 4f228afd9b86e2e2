/** What is right and wrong in an object, once for the YAML directory and for a real API server: both give this verdict. */

export type Verdict = {
  readonly name: string
  readonly kind: 'RelayPolicy' | 'SenderDomain' | 'RelayCredential'
  readonly metadataName?: string
  readonly spec: Readonly<Record<string, unknown>>
  /** The field that is refused; absent: nothing is. */
  readonly refused?: string
  /** What no schema and no CEL can say: an API server takes it, and the operator refuses it. */
  readonly onlyHere?: true
}

const route = { name: 'default', smarthosts: [{ name: 'out', host: 'smtp.example.net' }] }
export const policySpec = {
  environment: 'Production',
  listeners: [{ name: 'submission', port: 587 }],
  routes: [route],
}
export const domainSpec = { domain: 'mail.example.org', environment: 'Production' }
export const credentialSpec = { policyRef: { name: 'shared' }, senderDomainRefs: [{ name: 'example' }] }

const policy = (name: string, more: object, refused?: string, onlyHere?: true): Verdict => ({
  name,
  kind: 'RelayPolicy',
  spec: { ...policySpec, ...more },
  ...(refused === undefined ? {} : { refused }),
  ...(onlyHere === undefined ? {} : { onlyHere }),
})
const domain = (name: string, more: object, refused?: string, onlyHere?: true): Verdict => ({
  ...policy(name, {}, refused, onlyHere),
  kind: 'SenderDomain',
  spec: { ...domainSpec, ...more },
})
const credential = (name: string, more: object, refused?: string, onlyHere?: true): Verdict => ({
  ...policy(name, {}, refused, onlyHere),
  kind: 'RelayCredential',
  spec: { ...credentialSpec, ...more },
})

const provided = { mode: 'Provided', secretRef: { name: 'keys' } }
const off = { mode: 'Off', signedBy: 'Smarthost' }
const smarthost = (more: object) => ({
  routes: [{ name: 'default', smarthosts: [{ ...route.smarthosts[0], ...more }] }],
})
const toExchangers = (more: object) => ({
  hostname: 'relay.example.org',
  routes: [{ name: 'default', type: 'MX', ...more }],
})
const matched = (match: object) => ({ routes: [{ ...route, name: 'first', match }, route] })
const admits = (namespaces: object) => ({ admission: { credentials: { namespaces } } })
const selecting = (selector: object) => ({ from: 'Selector', selector })
const expression = (operator: string, values?: readonly string[]) => ({
  matchExpressions: [{ key: 'tier', operator, ...(values === undefined ? {} : { values }) }],
})
const store = (more: object) => ({ limitStore: { host: 'valkey.mail.svc', ...more } })
const limits = (more: object) => ({ admission: { limits: more } })
const throttled = (more: object = {}) => ({
  throttles: [{ name: 'per-app', scope: ['Credential'], rate: { count: 600, per: '1m' }, ...more }],
})
const listener = (more: object) => ({ listeners: [{ name: 'submission', port: 587, ...more }] })
const asks = { mode: 'Required', caRef: { name: 'clients' } }
const web = { uris: ['spiffe://corp.example/web'] }
const certificate = (subjectAltNames: object) => ({
  type: 'ClientCertificate',
  clientCertificate: { caRef: asks.caRef, subjectAltNames },
})
const credentialsField = 'spec.admission.credentials.namespaces.selector'

export const verdicts: readonly Verdict[] = [
  policy('the least that a policy says', {}),
  domain('the least that a domain says', {}),
  credential('the least that a credential says', {}),

  // Rules across fields
  credential('a rotation by the clock', { rotation: { every: '720h', overlap: '48h' } }),
  credential('a rotation by hand, without overlap', { rotation: { overlap: '0s', trigger: '2026-11-27' } }),
  credential('an overlap that never ends', { rotation: { every: '48h' } }, 'spec.rotation.overlap'),
  credential('a rotation every minute', { rotation: { every: '1m', overlap: '0s' } }, 'spec.rotation.every'),
  credential('a trigger without end', { rotation: { trigger: 'x'.repeat(65) } }, 'spec.rotation.trigger'),
  credential('an overlap of words', { rotation: { overlap: 'two days' } }, 'spec.rotation.overlap'),
  credential('tokens of an account', { type: 'ServiceAccountToken', serviceAccounts: [{ name: 'web' }] }),
  credential('tokens of nobody', { type: 'ServiceAccountToken' }, 'spec.serviceAccounts'),
  credential('tokens of an empty list', { type: 'ServiceAccountToken', serviceAccounts: [] }, 'spec.serviceAccounts'),
  credential('a password with an account', { serviceAccounts: [{ name: 'web' }] }, 'spec.serviceAccounts'),
  credential(
    'an account of another namespace',
    { type: 'ServiceAccountToken', serviceAccounts: [{ name: 'web', namespace: 'shop' }] },
    'spec.serviceAccounts[0].namespace',
  ),
  credential(
    'a Secret beside a token',
    { type: 'ServiceAccountToken', serviceAccounts: [{ name: 'web' }], secretTemplate: { name: 'smtp' } },
    'spec.secretTemplate',
  ),
  credential(
    'labels of a Secret beside a token',
    { type: 'ServiceAccountToken', serviceAccounts: [{ name: 'web' }], secretTemplate: { labels: { a: 'b' } } },
    'spec.secretTemplate',
  ),
  credential(
    'a rotation of tokens',
    { type: 'ServiceAccountToken', serviceAccounts: [{ name: 'web' }], rotation: { trigger: 'now' } },
    'spec.rotation',
  ),
  credential('a certificate by its names', certificate({ uris: ['spiffe://corp.example/ns/shop/sa/web?x=1#y'] })),
  credential(
    'a certificate by names of each kind',
    certificate({ uris: ['urn:device:7'], dnsNames: ['printer.example.org'], emailAddresses: ['d+7@example.org'] }),
  ),
  credential('a certificate of no name', certificate({}), 'spec.clientCertificate.subjectAltNames'),
  credential('a certificate of empty lists', certificate({ uris: [] }), 'spec.clientCertificate.subjectAltNames'),
  credential('no certificate of that type', { type: 'ClientCertificate' }, 'spec.clientCertificate'),
  credential('a password with a certificate', { ...certificate(web), type: 'Password' }, 'spec.clientCertificate'),
  credential(
    'an authority of nobody',
    { type: 'ClientCertificate', clientCertificate: { subjectAltNames: web } },
    'spec.clientCertificate.caRef',
  ),
  credential(
    'a certificate by a pattern',
    certificate({ dnsNames: ['*.example.org'] }),
    'spec.clientCertificate.subjectAltNames.dnsNames[0]',
  ),
  credential(
    'a certificate by a name in capitals',
    certificate({ dnsNames: ['Printer.example.org'] }),
    'spec.clientCertificate.subjectAltNames.dnsNames[0]',
  ),
  credential('a URI that is none', certificate({ uris: ['web'] }), 'spec.clientCertificate.subjectAltNames.uris[0]'),
  credential(
    'a URI that could be taken for two',
    certificate({ uris: ['x:a,URI:y:b'] }),
    'spec.clientCertificate.subjectAltNames.uris[0]',
  ),
  credential(
    'a URI with a space',
    certificate({ uris: ['spiffe://a/b c'] }),
    'spec.clientCertificate.subjectAltNames.uris[0]',
  ),
  credential(
    'an address that Node would quote',
    certificate({ emailAddresses: ["o'brien@example.org"] }),
    'spec.clientCertificate.subjectAltNames.emailAddresses[0]',
  ),
  credential(
    'a Secret beside a certificate',
    { ...certificate(web), secretTemplate: { name: 'smtp' } },
    'spec.secretTemplate',
  ),
  credential('a rotation of certificates', { ...certificate(web), rotation: { every: '720h' } }, 'spec.rotation'),
  policy('a listener that asks for certificates', listener({ clientCertificates: asks })),
  policy(
    'a listener that asks for certificates of nobody',
    listener({ clientCertificates: { mode: 'Optional' } }),
    'spec.listeners[0].clientCertificates.caRef',
  ),
  policy(
    'a listener that does not say whether it needs them',
    listener({ clientCertificates: { caRef: asks.caRef } }),
    'spec.listeners[0].clientCertificates.mode',
  ),
  policy(
    'a listener that asks in a way of its own',
    listener({ clientCertificates: { ...asks, mode: 'Off' } }),
    'spec.listeners[0].clientCertificates.mode',
  ),
  credential('a type that nobody knows', { type: 'OpenRelay' }, 'spec.type'),
  credential('limits that limit nothing', { limits: { warnAt: 50 } }, 'spec.limits'),
  credential('a rate per minute', { limits: { rate: { count: 600, per: '1m' } } }),
  credential('a rate per hour in parts', { limits: { daily: 1, rate: { count: 1, per: '59m60s' } } }),
  credential('a rate per nothing', { limits: { rate: { count: 1, per: '0s' } } }, 'spec.limits.rate.per'),
  credential('a rate per less than a second', { limits: { rate: { count: 1, per: '999ms' } } }, 'spec.limits.rate.per'),
  credential('a rate per day', { limits: { daily: 5, rate: { count: 1, per: '24h' } } }, 'spec.limits.rate.per'),
  credential('a rate of nothing', { limits: { rate: { count: 0, per: '1s' } } }, 'spec.limits.rate.count'),
  credential('no mail a day', { limits: { daily: 0 } }, 'spec.limits.daily'),
  policy(
    'two listeners of one port',
    {
      listeners: [
        { name: 'a', port: 587 },
        { name: 'b', port: 587 },
      ],
    },
    'spec.listeners',
  ),
  policy('two listeners of two ports', {
    listeners: [
      { name: 'a', port: 587 },
      { name: 'b', port: 465 },
    ],
  }),
  policy(
    'NonProduction to everybody',
    { environment: 'NonProduction', recipients: { mode: 'Unrestricted' } },
    'spec.recipients.mode',
  ),
  policy('NonProduction, captured', { environment: 'NonProduction', routes: [], recipients: { mode: 'Capture' } }),
  policy('NonProduction by default, without a route', { environment: 'NonProduction', routes: [] }),
  policy('Production by default, without a route', { routes: [] }, 'spec.routes'),
  policy('Production, captured, without a route', { routes: [], recipients: { mode: 'Capture' } }),
  policy('an empty allow list', { recipients: { mode: 'AllowList' } }, 'spec.recipients.allow'),
  policy('an allow list of one', { recipients: { mode: 'AllowList', allow: { domains: ['a.example'] } } }),
  policy('a redirect to nobody', { recipients: { mode: 'Redirect' } }, 'spec.recipients.redirectTo'),
  policy('a redirect', { recipients: { mode: 'Redirect', redirectTo: 'qa@example.org' } }),
  policy(
    'a last route with a match',
    { routes: [{ ...route, match: { senderDomains: ['a.example'] } }] },
    'spec.routes',
  ),
  policy('a first route without a match', { routes: [{ ...route, name: 'first' }, route] }, 'spec.routes'),
  policy('a first route with an empty match', matched({}), 'spec.routes'),
  policy('a first route by sender domain', matched({ senderDomains: ['a.example'] })),
  policy('a first route by any credential', matched({ credentialSelector: {} })),
  policy(
    'a password without verified TLS',
    smarthost({ authRef: { name: 'ses' }, tls: { mode: 'Opportunistic' } }),
    'spec.routes',
  ),
  policy('a password without TLS', smarthost({ authRef: { name: 'ses' }, tls: { mode: 'Disabled' } }), 'spec.routes'),
  policy('a password over STARTTLS', smarthost({ authRef: { name: 'ses' } })),
  policy('no TLS and no password', smarthost({ tls: { mode: 'Disabled' } })),
  policy('the metadata service of a cloud', smarthost({ host: '169.254.169.254' }), 'spec.routes'),
  policy('a link-local IPv6 address', smarthost({ host: 'fe80::1' }), 'spec.routes'),
  policy('a store of limits', store({})),
  policy('a store of limits that is nowhere', { limitStore: {} }, 'spec.limitStore.host'),
  policy('a store with a login and an authority', store({ authRef: { name: 'a' }, tls: { caRef: { name: 'b' } } })),
  policy('a store without TLS', store({ tls: { mode: 'Disabled' } })),
  policy('a store with STARTTLS', store({ tls: { mode: 'StartTLS' } }), 'spec.limitStore.tls.mode'),
  policy(
    "a store's password without TLS",
    store({ tls: { mode: 'Disabled' }, authRef: { name: 'a' } }),
    'spec.limitStore',
  ),
  policy('an authority without TLS', store({ tls: { mode: 'Disabled', caRef: { name: 'b' } } }), 'spec.limitStore'),
  policy('the metadata service as a store', store({ host: '169.254.169.254' }), 'spec.limitStore.host'),
  policy('a store that is waited for 1 ms', store({ timeout: '1ms' })),
  policy('a store that is waited for 10 s', store({ timeout: '10s' })),
  policy('a store that is never waited for', store({ timeout: '0ms' }), 'spec.limitStore.timeout'),
  policy('a store that is waited for 11 s', store({ timeout: '11s' }), 'spec.limitStore.timeout'),
  policy('a store that is waited for a minute', store({ timeout: '1m' }), 'spec.limitStore.timeout'),
  policy('a store with database -1', store({ database: -1 }), 'spec.limitStore.database'),
  policy(
    'every IPv4 address',
    { admission: { networks: { allow: ['192.0.2.0/24', '0.0.0.0/0'] } } },
    'spec.admission.networks.allow',
  ),
  policy('every IPv6 address', { admission: { networks: { allow: ['::/0'] } } }, 'spec.admission.networks.allow'),
  policy('nobody at all', { admission: { networks: { deny: ['0.0.0.0/0', '::/0'] } } }),
  policy('a network that ends in /10', { admission: { networks: { allow: ['10.0.0.0/10'] } } }),
  policy('a selector that is not there', admits({ from: 'Selector' }), credentialsField),
  policy('an empty selector', admits(selecting({})), credentialsField),
  policy('a selector of empty lists', admits(selecting({ matchLabels: {}, matchExpressions: [] })), credentialsField),
  policy('a selector by label', admits(selecting({ matchLabels: { mail: 'yes' } }))),
  policy('a selector by expression', admits(selecting(expression('In', ['gold'])))),
  policy('In without values', admits(selecting(expression('In'))), credentialsField),
  policy('NotIn of an empty list', admits(selecting(expression('NotIn', []))), credentialsField),
  policy('Exists with values', admits(selecting(expression('Exists', ['gold']))), credentialsField),
  policy('DoesNotExist without values', admits(selecting(expression('DoesNotExist')))),
  policy('a route with In without values', matched({ credentialSelector: expression('In') }), 'spec.routes'),
  policy('a route with Exists', matched({ credentialSelector: expression('Exists') })),
  domain('a domain with an empty selector', { allowedNamespaces: selecting({}) }, 'spec.allowedNamespaces.selector'),
  domain('a domain with a selector', { allowedNamespaces: selecting({ matchLabels: { mail: 'yes' } }) }),
  domain(
    'a domain with In without values',
    { allowedNamespaces: selecting(expression('In')) },
    'spec.allowedNamespaces.selector',
  ),
  credential('a credential from everywhere', { networks: { allow: ['::/0'] } }, 'spec.networks.allow'),
  credential('a credential from one network', { networks: { allow: ['192.0.2.0/24'] } }),
  { ...policy('a policy with a dot in its name', {}, 'metadata.name'), metadataName: 'shared.mail' },
  { ...policy('a policy that begins with a digit', {}, 'metadata.name'), metadataName: '1st' },
  { ...policy('a policy of 52 letters', {}), metadataName: 'p'.repeat(52) },
  { ...policy('a policy of 53 letters', {}, 'metadata.name'), metadataName: 'p'.repeat(53) },

  // The schema
  policy('no environment', { environment: undefined }, 'spec.environment'),
  policy('another environment', { environment: 'Staging' }, 'spec.environment'),
  policy('no listener', { listeners: [] }, 'spec.listeners'),
  policy('port 0', listener({ port: 0 }), 'spec.listeners[0].port'),
  policy('port 65536', listener({ port: 65536 }), 'spec.listeners[0].port'),
  policy('a port in quotes', listener({ port: '587' }), 'spec.listeners[0].port'),
  policy('a listener without TLS', listener({ tls: { mode: 'None' } }), 'spec.listeners[0].tls.mode'),
  policy('TLS 1.1', listener({ tls: { minVersion: '1.1' } }), 'spec.listeners[0].tls.minVersion'),
  policy(
    'two listeners of one name',
    {
      listeners: [
        { name: 'a', port: 1 },
        { name: 'a', port: 2 },
      ],
    },
    'spec.listeners[1].name',
  ),
  policy(
    'nine listeners',
    { listeners: Array.from({ length: 9 }, (_, i) => ({ name: `l${i}`, port: 1000 + i })) },
    'spec.listeners',
  ),
  policy('101 replicas', { replicas: 101 }, 'spec.replicas'),
  policy('a route without a smarthost', { routes: [{ name: 'default', smarthosts: [] }] }, 'spec.routes'),
  policy('a route that says nothing of smarthosts', { routes: [{ name: 'default' }] }, 'spec.routes'),
  policy('a route to exchangers', toExchangers({})),
  policy('a route to exchangers, with bounds', toExchangers({ exchangers: { maxConnectionsPerDomain: 2 } })),
  policy('a route to exchangers, with smarthosts', toExchangers({ smarthosts: route.smarthosts }), 'spec.routes'),
  policy(
    'a route to exchangers, of a fleet without a name',
    { ...toExchangers({}), hostname: undefined },
    'spec.hostname',
  ),
  policy('a route to smarthosts, with exchangers', { routes: [{ ...route, exchangers: {} }] }, 'spec.routes'),
  policy(
    'no connection to a domain',
    toExchangers({ exchangers: { maxConnectionsPerDomain: 0 } }),
    'spec.routes[0].exchangers.maxConnectionsPerDomain',
  ),
  policy('a port for exchangers', toExchangers({ exchangers: { port: 2525 } }), 'spec.routes[0].exchangers.port'),
  policy('a field that is not there yet', { spikes: {} }, 'spec.spikes'),
  policy('no throttle', { throttles: [] }),
  policy('a throttle of each credential', throttled({ burst: 100 })),
  policy('a throttle of each namespace, in Audit', throttled({ scope: ['Namespace'], action: 'Audit' })),
  policy('a throttle of each sender domain', throttled({ scope: ['SenderDomain'] })),
  policy('a rate per hour', throttled({ rate: { count: 1, per: '1h' } })),
  policy('a rate per day', throttled({ rate: { count: 1, per: '24h' } }), 'spec.throttles'),
  policy('a rate per millisecond', throttled({ rate: { count: 1, per: '1ms' } }), 'spec.throttles'),
  policy('a throttle of nothing', throttled({ scope: [] }), 'spec.throttles[0].scope'),
  policy('a throttle of each namespace and sender domain', throttled({ scope: ['SenderDomain', 'Namespace'] })),
  policy('a throttle of one thing twice', throttled({ scope: ['Namespace', 'Namespace'] })),
  policy('a throttle of what is not counted', throttled({ scope: ['Route'] }), 'spec.throttles[0].scope[0]'),
  policy('a throttle that delays', throttled({ action: 'Delay' }), 'spec.throttles[0].action'),
  policy('a throttle that lets nothing pass', throttled({ burst: 0 }), 'spec.throttles[0].burst'),
  policy('a throttle without a rate', throttled({ rate: undefined }), 'spec.throttles[0].rate'),
  policy(
    'two throttles of one name',
    { throttles: [...throttled().throttles, ...throttled().throttles] },
    'spec.throttles[1].name',
  ),
  policy('a typing error', { admission: { network: {} } }, 'spec.admission.network'),
  domain('a domain in capitals', { domain: 'Mail.example.org' }, 'spec.domain'),
  domain('a domain of one label', { domain: 'localhost' }, 'spec.domain'),
  domain('a domain with a trailing dot', { domain: 'example.org.' }, 'spec.domain'),
  domain('every domain', { domain: '*.example.org' }, 'spec.domain'),
  domain('every local part', { localParts: ['*'] }, 'spec.localParts[0]'),
  domain('an empty local part', { localParts: [''] }, 'spec.localParts[0]'),
  domain('a local part with a star inside', { localParts: ['a*b'] }, 'spec.localParts[0]'),
  domain('a local part with a final star', { localParts: ['billing-*'] }),
  domain('all that can be expected', {
    expect: {
      spf: { include: ['_spf.example.net'], addresses: ['192.0.2.0/28'] },
      dmarc: { minimumPolicy: 'reject', reports: 'mailto:dmarc@example.org' },
    },
    dns: { publisher: 'DNSEndpoint', resolvers: ['192.0.2.53', '2001:db8::53'] },
    verifyEvery: '1m',
  }),
  domain('an SPF record in capitals', { expect: { spf: { include: ['A.example'] } } }, 'spec.expect.spf.include[0]'),
  domain('no policy', { expect: { dmarc: { minimumPolicy: 'strict' } } }, 'spec.expect.dmarc.minimumPolicy'),
  domain('reports by HTTP', { expect: { dmarc: { reports: 'https://example.org' } } }, 'spec.expect.dmarc.reports'),
  domain('a resolver by name', { dns: { resolvers: ['ns.example.org'] } }, 'spec.dns.resolvers[0]'),
  domain('mail that is held back', { whenBroken: { action: 'Defer', grace: '1h' } }),
  domain('mail that is thrown away', { whenBroken: { action: 'Discard' } }, 'spec.whenBroken.action'),
  domain('records that are looked at all the time', { verifyEvery: '59s' }, 'spec.verifyEvery'),
  domain('records that are looked at too rarely', { verifyEvery: '25h' }, 'spec.verifyEvery'),
  domain('keys that somebody provides', { dkim: provided }),
  domain('keys that are made', { dkim: {} }),
  domain('keys that are made often', { dkim: { rotation: { every: '24h', overlap: '23h' } } }),
  domain('a record that outlives the next key', { dkim: { rotation: { every: '168h' } } }, 'spec.dkim.rotation.every'),
  domain('no kind of key', { dkim: { algorithms: [] } }, 'spec.dkim.algorithms'),
  domain('a kind that is not there', { dkim: { algorithms: ['rsa1024'] } }, 'spec.dkim.algorithms[0]'),
  domain('keys that are nowhere', { dkim: { mode: 'Provided' } }, 'spec.dkim.secretRef'),
  domain('keys, and nothing that signs', { dkim: { ...off, secretRef: { name: 'keys' } } }, 'spec.dkim.secretRef'),
  domain('mail that the smarthost signs', { dkim: off }),
  domain('mail that both sign', { dkim: { ...provided, signedBy: 'Smarthost' } }, 'spec.dkim.signedBy'),
  domain('unsigned mail in Production', { dkim: { mode: 'Off' } }, 'spec.dkim.mode'),
  domain('unsigned mail elsewhere', { environment: 'NonProduction', dkim: { mode: 'Off' } }),
  domain('a mode that is not there', { dkim: { mode: 'On' } }, 'spec.dkim.mode'),
  credential('a credential without a domain', { senderDomainRefs: [] }, 'spec.senderDomainRefs'),
  credential('a type that is not there yet', { type: 'TrustedNetwork' }, 'spec.type'),
  credential(
    'an identity that is a pattern',
    { identities: { addresses: ['*@example.org'] } },
    'spec.identities.addresses[0]',
  ),

  // Case C06
  policy('10MB', limits({ messageSize: '10MB' }), 'spec.admission.limits.messageSize'),
  policy('10Mi', limits({ messageSize: '10Mi' })),
  policy('a size of 0', limits({ messageSize: '0' }), 'spec.admission.limits.messageSize'),
  policy('a negative size', limits({ messageSize: '-1Mi' }), 'spec.admission.limits.messageSize'),
  policy('a size of 1e30', limits({ messageSize: '1e30' }), 'spec.admission.limits.messageSize'),
  policy('a size that is a number', limits({ messageSize: 10 }), 'spec.admission.limits.messageSize'),
  policy(
    'a size beyond counting',
    limits({ messageSize: '999999999999999Ti' }),
    'spec.admission.limits.messageSize',
    true,
  ),
  policy('a time without a unit', limits({ transactionTime: '10' }), 'spec.admission.limits.transactionTime'),
  policy('no time at all', limits({ transactionTime: '0s' }), 'spec.admission.limits.transactionTime', true),
  policy(
    'a time beyond counting',
    limits({ transactionTime: '99999999999999999h' }),
    'spec.admission.limits.transactionTime',
    true,
  ),

  // Case K25: nothing that could end a line, leave a folder or start another command
  policy(
    'a line break in a host',
    smarthost({ host: 'smtp.example.net\r\nRSET' }),
    'spec.routes[0].smarthosts[0].host',
  ),
  policy(
    'a final line break in a host',
    smarthost({ host: 'smtp.example.net\n' }),
    'spec.routes[0].smarthosts[0].host',
  ),
  policy('a semicolon in a host', smarthost({ host: 'a;b' }), 'spec.routes[0].smarthosts[0].host'),
  policy('braces in a host', smarthost({ host: '{{a}}' }), 'spec.routes[0].smarthosts[0].host'),
  policy('a path in a host name', { hostname: '../../etc' }, 'spec.hostname'),
  policy('a line break in a host name', { hostname: 'relay.example.org\r\nX' }, 'spec.hostname'),
  policy(
    'a path as the name of a Secret',
    smarthost({ authRef: { name: '../ses' } }),
    'spec.routes[0].smarthosts[0].authRef.name',
  ),
  policy('a path as the name of a listener', listener({ name: '../a' }), 'spec.listeners[0].name'),
  credential('a path as the name of the binding', { secretTemplate: { name: 'a/b' } }, 'spec.secretTemplate.name'),

  // What only a parser can say
  policy(
    'a prefix too long',
    { admission: { networks: { allow: ['192.0.2.0/33'] } } },
    'spec.admission.networks.allow[0]',
    true,
  ),
  policy(
    'a network that is no address',
    { admission: { networks: { deny: ['1.2.3/8'] } } },
    'spec.admission.networks.deny[0]',
    true,
  ),
  policy(
    'every address, disguised',
    { admission: { networks: { allow: ['0.0.0.0/00'] } } },
    'spec.admission.networks.allow[0]',
  ),
  policy(
    'an address without a prefix',
    { admission: { networks: { allow: ['192.0.2.1'] } } },
    'spec.admission.networks.allow[0]',
  ),
  policy('an address that is none', smarthost({ host: '999.1.1.1' }), 'spec.routes[0].smarthosts[0].host', true),
  policy('an IPv6 smarthost', smarthost({ host: '2001:db8::25' })),
  domain('an address as a domain', { domain: '192.0.2.1' }, 'spec.domain', true),
  domain('a resolver that is no address', { dns: { resolvers: ['1.2.3'] } }, 'spec.dns.resolvers[0]', true),
  domain('a label of 64 octets', { domain: `${'a'.repeat(64)}.example` }, 'spec.domain', true),
  credential('a day that does not exist', { expiresAt: '2027-02-30T00:00:00Z' }, 'spec.expiresAt'),
  credential('a time without a zone', { expiresAt: '2027-01-31T00:00:00' }, 'spec.expiresAt'),
  credential('a time', { expiresAt: '2027-01-31T00:00:00.5+02:00' }),
]
