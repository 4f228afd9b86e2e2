/** Compile: a value function from all the facts to all the decisions. It reads no clock and changes nothing it is given. */
import type { RelayConfig } from '../../relay/config.ts'
import { hasSecret, secretNameAsWritten } from './binding.ts'
import { brokenDomainsOf } from './broken-domains.ts'
import type { Compiled, CompiledFleet, Finding, Status } from './compiled.ts'
import { type JudgedCredential, judgeCredentials } from './credential.ts'
import { type Domains, judgeDomains } from './domain.ts'
import { domainChecks } from './domain-checks.ts'
import { holdFleet, runFleet } from './fleet.ts'
import { type Known, knownIn } from './known.ts'
import { membersOf } from './members.ts'
import { byText } from './order.ts'
import { type JudgedPolicy, judgePolicies } from './policy.ts'
import { publications } from './publications.ts'
import { References } from './references.ts'
import { signingOf } from './signing.ts'
import { type BindingKeys, type Invalid, type Name, nameOf, type Ref, refOf, type Snapshot } from './snapshot.ts'
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
  const findings = allFindings(judged)
  const checks = domainChecks(domains)
  return {
    fleets,
    bindings: bindingsOf(credentials),
    guides: guidesOf(credentials),
    heldBindings: heldBindings(judged),
    findings,
    statuses: allStatuses(judged, findings),
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

/** Fleets of valid policies, and of those that are in doubt; one that is in neither was deleted. */
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
      const broken = brokenDomainsOf(entries, running, domains.known)
      const tokens = tokensOf(entries, snapshot.tokenIssuer, running)
      if (!runs) {
        const said = judged?.policy ?? invalid.get(name)
        const held = { policy: judged?.policy, said, keys: snapshot.bindingKeys, tokens, broken }
        return [name, holdFleet(running, members, held)]
      }
      const beside = { ...tokens, ...signingOf(entries, running, domains.known), ...broken }
      return [name, runFleet(judged, members, beside, snapshot.place)]
    }),
  )
}

const invalidPolicies = ({ invalid }: Snapshot): ReadonlyMap<Name, Invalid> =>
  new Map(invalid.filter((i) => i.kind === 'RelayPolicy').map((i) => [nameOf(i), i]))

const bindingsOf = (credentials: Judged['credentials']): Compiled['bindings'] =>
  new Map([...credentials].flatMap(([name, { binding }]) => (binding === undefined ? [] : [[name, binding] as const])))

const guidesOf = (credentials: Judged['credentials']): Compiled['guides'] =>
  new Map([...credentials].flatMap(([name, { guide }]) => (guide === undefined ? [] : [[name, guide] as const])))

/** Every credential that is there or may be there, and has no binding now: its Secret is not thrown away. */
function heldBindings({ known, credentials }: Judged): ReadonlySet<Name> {
  const { snapshot, credential } = known
  const invalid = snapshot.invalid.filter((i) => i.kind === 'RelayCredential').map(nameOf)
  const running = [...snapshot.running.values()].flatMap((r) => r.credentials.map((c) => c.name as Name))
  const doubtful = [...invalid, ...running, ...snapshot.bindingKeys.keys()].filter(
    (n) => credential(n).is === 'doubtful',
  )
  const unbound = [...credentials]
    .filter(([, { binding, credential: its }]) => binding === undefined && hasSecret(its))
    .map(([name]) => name)
  return new Set([...doubtful, ...unbound].toSorted(byText))
}

const invalidObjects = ({ invalid }: Snapshot): readonly Invalid[] =>
  invalid.toSorted((a, b) => byText(refOf(a), refOf(b)))

function allFindings({ known, domains, policies, credentials, fleets }: Judged): Compiled['findings'] {
  return new Map<Ref, readonly Finding[]>([
    ...[...policies.values()].map((p) => [refOf(p.policy), policyVerdict(p)] as const),
    ...known.domains.map((d) => [refOf(d), domainVerdict(d, domains)] as const),
    ...[...credentials.values()].map(
      (c) => [refOf(c.credential), credentialVerdict(c, fleets, known.snapshot.tokenIssuer)] as const,
    ),
    ...invalidObjects(known.snapshot).map((i) => [refOf(i), invalidVerdict(i)] as const),
  ])
}

/** What each fleet's relays have or get. */
function configsOf(fleets: Judged['fleets'], running: Snapshot['running']): ReadonlyMap<Name, RelayConfig> {
  const configs = [...fleets].map(([name, fleet]) => [name, fleet.config ?? running.get(name)] as const)
  return new Map(configs.flatMap(([name, config]) => (config === undefined ? [] : [[name, config] as const])))
}

/** A Secret that is written for one credential is not shown as another one's. */
const secretsWritten = ({ credential, binding }: JudgedCredential): readonly string[] =>
  binding === undefined ? [] : [`${credential.namespace}/${binding.secretName}`]

function allStatuses(judged: Judged, findings: Compiled['findings']): Compiled['statuses'] {
  const { known, policies, credentials, fleets } = judged
  const { place, running, bindingKeys, formerSecrets } = known.snapshot
  const configs = configsOf(fleets, running)
  const bound = boundDomains(configs)
  const written = new Set([...credentials.values()].flatMap(secretsWritten))
  const keysOf = (invalid: Invalid): BindingKeys | undefined =>
    written.has(`${invalid.namespace}/${secretNameAsWritten(invalid)}`) ? undefined : bindingKeys.get(nameOf(invalid))
  const found = (ref: Ref): readonly Finding[] => findings.get(ref) ?? []
  return new Map<Ref, Status>([
    ...[...policies].map(([name, { policy }]) => {
      const ref = refOf(policy)
      return [ref, policyStatus(policy, configs.get(name), place, found(ref))] as const
    }),
    ...known.domains.map((d) => {
      const keys = known.snapshot.domainKeys?.get(nameOf(d))
      return [refOf(d), domainStatus(d, bound(nameOf(d)), keys, found(refOf(d)))] as const
    }),
    ...[...credentials].map(([name, judgedOne]) => {
      const ref = refOf(judgedOne.credential)
      return [ref, credentialStatus(judgedOne, bindingKeys.get(name), formerSecrets?.get(name), found(ref))] as const
    }),
    ...invalidObjects(known.snapshot).map((i) => {
      const ref = refOf(i)
      return [
        ref,
        invalidStatus(i, keysOf(i), bound(nameOf(i)), known.snapshot.domainKeys?.get(nameOf(i)), found(ref)),
      ] as const
    }),
  ])
}
