/**
 * Prints what was compiled as YAML for people. In compact form, each credential, route, file and finding is one line, and what is
 * the same in every case (limits, sender rules, queue) is left out; in full form, the values are printed word by word.
 */
import { stringify } from 'yaml'
import type {
  Binding,
  Compiled,
  CompiledFleet,
  FileSource,
  Finding,
  Guide,
  Status,
} from '../../operator/compile/compiled.ts'
import type { DomainChecks } from '../../operator/lifecycle/domain-checks.ts'
import { zoneFileLine } from '../../operator/lifecycle/txt-record.ts'
import type {
  CredentialConfig,
  ListenerConfig,
  RelayConfig,
  RouteConfig,
  SenderConfig,
  SigningConfig,
} from '../../relay/config.ts'

const filled = (fields: Readonly<Record<string, unknown>>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(fields).filter(([, v]) => v !== undefined && v !== false && !isEmpty(v)))
const isEmpty = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && Object.keys(value).length === 0

/** `example.org + subdomains, only noreply (SenderDomain mail/example)` */
const senderLine = (s: SenderConfig): string =>
  `${s.domain}${s.includeSubdomains ? ' + subdomains' : ''}${s.localParts.length > 0 ? `, only ${s.localParts.join(' ')}` : ''} (SenderDomain ${s.senderDomain})`

const keyText = ({ id, notAfter }: CredentialConfig['keys'][number]): string =>
  notAfter === undefined ? id : `${id} until ${new Date(notAfter).toISOString()}`

/** Only the senders, if nothing narrows the credential and its only key is k1. */
function credentialFields(c: CredentialConfig): unknown {
  const senders = c.senders.map(senderLine)
  const keys = c.keys.map(keyText).join(' ')
  const narrowing = filled({
    serviceAccounts: c.serviceAccounts,
    certificate: c.certificate && `${c.certificate.names.join(' ')} of ${c.certificate.caFile}`,
    addresses: c.addresses,
    networks: c.networks,
    recipientDomains: c.recipientDomains,
    suspended: c.suspended,
    expiresAt: c.expiresAt,
  })
  return keys === 'k1' && isEmpty(narrowing) ? senders : { keys, senders, ...narrowing }
}

const routeLine = ({ name, match, smarthosts, exchangers }: RouteConfig): unknown => {
  const hops = smarthosts.map((s) => s.name)
  if (exchangers !== undefined)
    hops.push(`exchangers, ${exchangers.maxConnections} connections, ${exchangers.maxConnectionsPerDomain} to a domain`)
  const line = `${name} to ${hops.join(' ')}`
  return match === undefined ? line : { [line]: { ...match } }
}

/** `example.org (SenderDomain mail/example): s1 rsa-sha256 in dkim-….pem` */
const signingLine = ({ domain, senderDomain, keys }: SigningConfig): string =>
  `${domain} (SenderDomain ${senderDomain}): ${keys.map((k) => `${k.selector} ${k.algorithm} in ${k.keyFile}`).join(', ')}`

/** `submission StartTLS at :: port 2587, Optional certificates of ca/clients/ca.crt` */
const listenerLine = ({ name, tls, address, port, clientCertificates: asks }: ListenerConfig): string =>
  `${name} ${tls.mode} at ${address} port ${port}${asks ? `, ${asks.mode} certificates of ${asks.caFile}` : ''}`

const configFields = (c: RelayConfig) =>
  filled({
    suspended: c.suspended,
    listeners: c.listeners.map(listenerLine),
    recipients: c.recipients.mode,
    credentials: Object.fromEntries(c.credentials.map((x) => [x.name, credentialFields(x)])),
    throttles: c.throttles?.map(
      (t) =>
        `${t.action} more than ${t.rate.count} per ${t.rate.perMs} ms of each ${t.scope.join(' and ')} (${t.name})`,
    ),
    tokens:
      c.tokens && `of ${c.tokens.issuer} for ${c.tokens.audience}, keys ${c.tokens.keys.map((k) => k.id).join(' ')}`,
    signing: c.signing?.map(signingLine),
    brokenDomains: c.brokenDomains?.map(
      (d) => `${d.action} ${d.domain} (SenderDomain ${d.senderDomain}): ${d.records.join(', ')}`,
    ),
    routes: c.routes.map(routeLine),
  })

const fileLine = ({ path, from }: FileSource): string =>
  from.kind === 'issued'
    ? `${path} issued for ${from.hosts.join(' ')}`
    : `${path} from ${from.kind} ${from.name} ${from.key}`

function fleetFields(fleet: CompiledFleet, full: boolean): unknown {
  const config = fleet.config === undefined ? undefined : full ? fleet.config : configFields(fleet.config)
  const leaving = fleet.leaving === true ? ', and gone when its relays have no mail' : ''
  if (fleet.kind === 'hold')
    return config === undefined ? `hold${leaving}` : { [`hold, less what was revoked${leaving}`]: config }
  const { replicas, ports, storage, availability, files } = fleet
  const volume = full ? { ports, storage, availability } : {}
  return { replicas, ...volume, [`run${leaving}`]: config, files: files.map(fileLine) }
}

const bindingLine = (b: Binding): unknown => {
  const line = `Secret ${b.secretName}: ${b.scheme}://${b.username}@${b.host}:${b.port}${b.issuedByOperator ? " with the operator's CA" : ''}`
  const more = filled({ labels: b.labels, annotations: b.annotations })
  return isEmpty(more) ? line : { [line]: more }
}

const guideLine = (g: Guide): string =>
  `ConfigMap ${g.configMapName}: ${g.scheme}://${g.username}@${g.host}:${g.port}${g.issuedByOperator ? " with the operator's CA" : ''}`

const findingLine = ({ type, status, reason, message, field }: Finding): string => {
  const head = `${type}=${status} ${reason}`
  // A good condition is shown with its message only if it names a field; Suspended=True is none of the good ones.
  return status === 'True' && type !== 'Suspended' && field === undefined
    ? head
    : `${head}${field === undefined ? '' : ` at ${field}`}: ${message}`
}

/** Each wanted record on one line; then the resolvers, how often they are asked, and what happens if a record is broken. */
const checksFields = ({ wanted, resolvers, verifyEveryMs, whenBroken }: DomainChecks) =>
  filled({
    wanted: wanted.map(({ purpose, name, type, ...rest }) => `${purpose} ${type} ${name} ${JSON.stringify(rest)}`),
    resolvers,
    'every s': verifyEveryMs / 1000,
    whenBroken: whenBroken.action === 'Warn' ? undefined : `${whenBroken.action} after ${whenBroken.graceMs / 1000} s`,
  })

/** A status on one line, without its conditions, which are among the findings. */
const statusLine = ({ conditions: _, ...rest }: Status): string =>
  stringify(rest, { collectionStyle: 'flow', lineWidth: 0 }).trim()

const mapped = <T>(map: ReadonlyMap<string, T>, line: (value: T) => unknown): Record<string, unknown> =>
  Object.fromEntries([...map].map(([key, value]) => [key, line(value)]))

/** Findings that nearly every case in Production has, unless it is about signing; the compact form leaves them out. */
const isEverywhere = ({ reason }: Finding): boolean => reason === 'NotSigned'

export const render = (compiled: Compiled, show: 'compact' | 'full'): string =>
  stringify(
    filled({
      fleets: mapped(compiled.fleets, (f) => fleetFields(f, show === 'full')),
      bindings: mapped(compiled.bindings, show === 'full' ? (b) => b : bindingLine),
      guides: mapped(compiled.guides, show === 'full' ? (g) => g : guideLine),
      heldBindings: [...compiled.heldBindings],
      findings: mapped(compiled.findings, (found) =>
        found.filter((f) => show === 'full' || !isEverywhere(f)).map(findingLine),
      ),
      statuses: mapped(compiled.statuses, show === 'full' ? (s) => s : statusLine),
      references: [...compiled.references],
      domainChecks: mapped(compiled.domainChecks, checksFields),
      publications: filled(mapped(compiled.publications, ({ records }) => records.map(zoneFileLine))),
    }),
    { lineWidth: 0, aliasDuplicateObjects: false },
  )
