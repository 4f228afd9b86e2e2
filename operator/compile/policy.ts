/** Judges RelayPolicies: whether a fleet can be programmed with one, which happens as a whole or not at all. */
import type { Compiled, FileSource, Finding } from './compiled.ts'
import { type Claim, settle } from './conflict.ts'
import { findings } from './findings.ts'
import type { Known } from './known.ts'
import { limitStoreFiles } from './limit-store.ts'
import { boundPort, clientAuthorityFiles, hostAndPort, listenerFiles, serviceHost } from './listener.ts'
import { byText, oldestFirst } from './order.ts'
import { References, type Resolved } from './references.ts'
import { routeFiles } from './route.ts'
import { type Name, nameOf, type Place, type Policy, type Snapshot } from './snapshot.ts'

export type JudgedPolicy = {
  readonly policy: Policy
  /** What is wrong; empty: the fleet runs. */
  readonly findings: readonly Finding[]
  readonly files: readonly FileSource[]
}

/** Ports can conflict only in local mode, where all fleets share the address of the machine. */
const portClaims = (place: Place, policy: Policy): readonly Claim[] =>
  place.clientHost === undefined
    ? []
    : policy.spec.listeners.map((l) => ({
        owner: nameOf(policy),
        thing: hostAndPort(place.listenAddress, boundPort(place, l.port)),
      }))

/** A fleet whose policy is in doubt still holds the ports on which it listens. */
function standingClaims({ snapshot, policy, stands }: Known): readonly Claim[] {
  const standing = [...snapshot.running].filter(([name]) => stands(policy(name)))
  return standing
    .toSorted(([a], [b]) => byText(a, b))
    .flatMap(([owner, { listeners }]) => listeners.map((l) => ({ owner, thing: hostAndPort(l.address, l.port) })))
}

/** A fleet that listens on a port keeps it: an older policy that wants the port later could not bind it anyway. */
const isListening =
  (running: Snapshot['running']) =>
  ({ owner, thing }: Claim): boolean =>
    (running.get(owner)?.listeners ?? []).some((l) => hostAndPort(l.address, l.port) === thing)

type Rivals = (claim: Claim) => Name | undefined

function portFindings(place: Place, policy: Policy, rival: Rivals): readonly Finding[] {
  return portClaims(place, policy).flatMap((claim, i) => {
    const winner = rival(claim)
    return winner === undefined ? [] : [findings.portTaken(claim.thing, winner)(`spec.listeners[${i}].port`)]
  })
}

function collisions(place: Place, { spec: { listeners } }: Policy): readonly Finding[] {
  return listeners.flatMap((listener, i) => {
    const port = boundPort(place, listener.port)
    const first = listeners.slice(0, i).find((other) => boundPort(place, other.port) === port)
    if (first === undefined) return []
    return [findings.listenersCollide(port, first.name, listener.name)(`spec.listeners[${i}].port`)]
  })
}

/**
 * The certificate that the operator issues includes spec.hostname, and the clients of all fleets trust the operator's CA. So a
 * policy must not get a certificate for another fleet's Service by naming that as its hostname.
 */
function hostnameFindings({ spec: { hostname }, ...policy }: Policy): readonly Finding[] {
  const own = serviceHost(policy)
  const isService = hostname !== undefined && /\.svc(\.cluster\.local)?$/.test(hostname)
  if (!isService || hostname === own || hostname === `${own}.cluster.local`) return []
  return [findings.hostnameNotItsOwn(hostname, own)('spec.hostname')]
}

const resolve = (policy: Policy, place: Place, references: References): readonly Resolved[] => [
  ...policy.spec.listeners.map(listenerFiles(place, policy, references)),
  ...policy.spec.listeners.map(clientAuthorityFiles(policy, references)),
  ...routeFiles(policy, references),
  ...limitStoreFiles(policy, references),
]

/**
 * What policies refer to, by what was seen so far. More may follow: where a Secret has no ca.crt, the ConfigMap of that name is
 * asked for.
 */
export function referencesAsked(
  policies: readonly Policy[],
  seen: Pick<Snapshot, 'secrets' | 'configMaps'>,
  place: Place,
): Compiled['references'] {
  const references = new References(seen)
  for (const policy of policies) resolve(policy, place, references)
  return references.asked
}

function judge(policy: Policy, place: Place, references: References, rival: Rivals): JudgedPolicy {
  const resolved = resolve(policy, place, references)
  const files = resolved.flatMap((r) => ('files' in r ? r.files : []))
  const broken = resolved.flatMap((r) => ('finding' in r ? [r.finding] : []))
  return {
    policy,
    findings: [
      ...hostnameFindings(policy),
      ...collisions(place, policy),
      ...portFindings(place, policy, rival),
      ...broken,
    ],
    files: [...new Map(files.map((f) => [f.path, f])).values()],
  }
}

/** Every valid policy, by name. */
export function judgePolicies(known: Known, references: References): ReadonlyMap<Name, JudgedPolicy> {
  const { place } = known.snapshot
  const claims = oldestFirst(known.policies, (p) => p).flatMap((p) => portClaims(place, p))
  const inUse = claims.filter(isListening(known.snapshot.running))
  const rival = settle([...standingClaims(known), ...inUse, ...claims])
  return new Map(known.policies.map((p) => [nameOf(p), judge(p, place, references, rival)]))
}
