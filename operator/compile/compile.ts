/** Compile: a pure function from all facts to all decisions. It reads no clock and changes nothing that it is given. */
import type { RelayConfig } from '../../relay/config.ts'
import { hasSecret, secretNameAsWritten } from './binding.ts'
import { brokenDomainsOf } from './broken-domains.ts'
import type { Compiled, CompiledFleet, Finding, Status } from './compiled.ts'
import { type JudgedCredential, judgeCredentials } from './credential.ts'
import { type Domains, judgeDomains } from './domain.ts'
import { domainChecks } from './domain-checks.ts'
import { holdFleet, runFleet } from './fleet.ts'
import { type Known, knownIn } from './known.ts'
import { bothOf, leftDomains, mailDomains } from './mail-domains.ts'
import { membersOf } from './members.ts'
import { byText } from './order.ts'
import { type JudgedPolicy, judgePolicies } from './policy.ts'
import { publications } from './publications.ts'
import { References } from './references.ts'
import { signingOf } from './signing.ts'
import {
  type BindingKeys,
  type Invalid,
  type Name,
  nameOf,
  type Ref,
  referred,
  refOf,
  type Snapshot,
} from './snapshot.ts'
import { boundDomains, credentialStatus, domainStatus, invalidStatus, policyStatus } from './status.ts'
import { tokensOf } from './tokens.ts'
import { credentialVerdict, domainVerdict, invalidVerdict, policyVerdict } from './verdicts.ts'

export function compile(snapshot: Snapshot): Compiled {
  const known = knownIn(snapshot)
  const references = new References(snapshot)
  const domains = judgeDomains(known)
  const policies = judgePolicies(known, references)
  const credentials = judgeCredentials(domains)
  const fleets = compileFleets(policies, credentials, domains)
  const judged: Judged = { known, domains, policies, credentials, fleets }
  const checks = domainChecks(domains)
  return {
    fleets,
    bindings: having('binding', credentials),
    guides: having('guide', credentials),
    heldBindings: heldBindings(judged),
    ...told(judged),
    references: new Set([...references.asked].toSorted(byText)),
    domainChecks: checks,
    publications: publications(known, checks),
  }
}

type Judged = {
  readonly known: Known
  readonly domains: Domains
  readonly policies: ReadonlyMap<Name, JudgedPolicy>
  readonly credentials: ReadonlyMap<Name, JudgedCredential>
  readonly fleets: ReadonlyMap<Name, CompiledFleet>
}

/** The fleets of valid policies, and of policies in doubt. A fleet that is in neither group belongs to a deleted policy. */
function compileFleets(
  policies: Judged['policies'],
  credentials: Judged['credentials'],
  domains: Domains,
): ReadonlyMap<Name, CompiledFleet> {
  const { snapshot, policy } = domains.known
  const invalid = invalidPolicies(snapshot)
  const doubtful = [...snapshot.running.keys(), ...invalid.keys()].filter((n) => policy(n).is === 'doubtful')
  const names = [...new Set([...policies.keys(), ...doubtful])].toSorted(byText)
  const byFleet = Map.groupBy(credentials.values(), (c) => c.fleet)
  return new Map(
    names.map((name) => {
      const judged = policies.get(name)
      const members = membersOf(name, byFleet.get(name) ?? [], domains)
      const runs = judged !== undefined && judged.findings.length === 0
      const running = snapshot.running.get(name)
      const entries = members.map((m) => m.entry)
      const mail = mailDomains(entries)
      const left = leftDomains(mail, refersTo(byFleet.get(name) ?? []), running, domains.known)
      const broken = brokenDomainsOf(bothOf(mail, left), running, domains.known)
      const signing = signingOf(mail, left, running, domains.known)
      const tokens = tokensOf(entries, snapshot.tokenIssuer, running)
      if (!runs) {
        const said = judged?.policy ?? invalid.get(name)
        const held = { policy: judged?.policy, said, keys: snapshot.bindingKeys, tokens, broken, signing }
        return [name, holdFleet(running, members, held)]
      }
      const beside = { ...tokens, ...signing, ...broken }
      return [name, runFleet(judged, members, beside, snapshot.place)]
    }),
  )
}

const refersTo =
  (credentials: readonly JudgedCredential[]) =>
  (domain: Name): boolean =>
    credentials.some(({ credential: c }) => c.spec.senderDomainRefs.some((ref) => referred(ref, c) === domain))

const invalidPolicies = ({ invalid }: Snapshot): ReadonlyMap<Name, Invalid> =>
  new Map(invalid.filter((i) => i.kind === 'RelayPolicy').map((i) => [nameOf(i), i]))

/**
 * The bindings or guides of all credentials that have one. A loop, as below, so that ten thousand credentials make no garbage.
 */
function having<K extends 'binding' | 'guide'>(what: K, credentials: Judged['credentials']) {
  const found = new Map<Name, NonNullable<JudgedCredential[K]>>()
  for (const [name, { [what]: value }] of credentials) if (value !== undefined) found.set(name, value)
  return found
}

function doubtfulCredentials({ snapshot, credential }: Known): readonly Name[] {
  const invalid = snapshot.invalid.filter((i) => i.kind === 'RelayCredential').map(nameOf)
  const running = [...snapshot.running.values()].flatMap(({ credentials }) => credentials.map((c) => c.name as Name))
  return [...invalid, ...running, ...snapshot.bindingKeys.keys()].filter((name) => credential(name).is === 'doubtful')
}

/** Every credential that exists or may exist, and has no binding now: its Secret must not be deleted. */
function heldBindings({ known, credentials }: Judged): ReadonlySet<Name> {
  const held = new Set<Name>(known.hasDoubts ? doubtfulCredentials(known) : [])
  for (const [name, { binding, credential: its }] of credentials) {
    if (binding === undefined && hasSecret(its)) held.add(name)
  }
  return new Set([...held].toSorted(byText))
}

const invalidObjects = ({ invalid }: Snapshot): readonly Invalid[] =>
  invalid.toSorted((a, b) => byText(refOf(a), refOf(b)))

/** The configuration that each fleet's relays get, or else the one that they have. */
function configsOf(fleets: Judged['fleets'], running: Snapshot['running']): ReadonlyMap<Name, RelayConfig> {
  const configs = [...fleets].map(([name, fleet]) => [name, fleet.config ?? running.get(name)] as const)
  return new Map(configs.flatMap(([name, config]) => (config === undefined ? [] : [[name, config] as const])))
}

/** The Secrets that are written for valid credentials; an invalid credential's status must not name one of them as its own. */
const secretsWritten = (credentials: Judged['credentials']): ReadonlySet<string> =>
  new Set(
    [...credentials.values()].flatMap(({ credential, binding }) =>
      binding === undefined ? [] : `${credential.namespace}/${binding.secretName}`,
    ),
  )

/** For each object: its findings, and the status that reports them. */
function told(judged: Judged): Pick<Compiled, 'findings' | 'statuses'> {
  const { known, domains, policies, credentials, fleets } = judged
  const { place, running, bindingKeys, formerSecrets, domainKeys, tokenIssuer } = known.snapshot
  const configs = configsOf(fleets, running)
  const bound = boundDomains(configs)
  let written: ReadonlySet<string> | undefined
  const keysOf = (invalid: Invalid): BindingKeys | undefined => {
    written ??= secretsWritten(credentials)
    const secret = `${invalid.namespace}/${secretNameAsWritten(invalid)}`
    return written.has(secret) ? undefined : bindingKeys.get(nameOf(invalid))
  }
  const findings = new Map<Ref, readonly Finding[]>()
  const statuses = new Map<Ref, Status>()
  const tell = (ref: Ref, found: readonly Finding[], status: Status): void => {
    findings.set(ref, found)
    statuses.set(ref, status)
  }
  for (const [name, judgedOne] of policies) {
    const { policy } = judgedOne
    const found = policyVerdict(judgedOne)
    tell(refOf(policy), found, policyStatus(policy, configs.get(name), place, found))
  }
  for (const domain of known.domains) {
    const name = nameOf(domain)
    const found = domainVerdict(domain, domains)
    tell(refOf(domain), found, domainStatus(domain, bound(name), domainKeys?.get(name), found))
  }
  for (const [name, judgedOne] of credentials) {
    const found = credentialVerdict(judgedOne, fleets, tokenIssuer)
    const status = credentialStatus(judgedOne, bindingKeys.get(name), formerSecrets?.get(name), found)
    tell(refOf(judgedOne.credential), found, status)
  }
  for (const invalid of invalidObjects(known.snapshot)) {
    const name = nameOf(invalid)
    const found = invalidVerdict(invalid)
    tell(refOf(invalid), found, invalidStatus(invalid, keysOf(invalid), bound(name), domainKeys?.get(name), found))
  }
  return { findings, statuses }
}
