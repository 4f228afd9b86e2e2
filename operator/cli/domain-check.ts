/**
 * `domain check`: looks up the DNS records of SenderDomains now, and shows what is wanted, what was found, a score, and what to
 * publish.
 */
import type { Command } from 'commander'
import { snapshotOnce } from '../cluster/person/once.ts'
import { compile } from '../compile/compile.ts'
import type { Compiled } from '../compile/compiled.ts'
import { notSigned } from '../compile/not-signed.ts'
import { type Name, nameOf, refOf, type Snapshot, splitName } from '../compile/snapshot.ts'
import { openAsking } from '../dns/ask.ts'
import { observe } from '../dns/observe.ts'
import { resolversOf, systemServers } from '../dns/server.ts'
import type { DomainChecks } from '../lifecycle/domain-checks.ts'
import { isBroken } from '../lifecycle/domain-records.ts'
import { compileDirectory } from '../local/offline.ts'
import { stateAt } from '../local/state.ts'
import { asking } from './api-trouble.ts'
import { existingDirectory, objectNameIn, outputOption, stateOption } from './arguments.ts'
import { type ClusterOptions, openCluster, requireOneWorld, scopeOptions } from './cluster-options.ts'
import type { Context } from './context.ts'
import { type DomainLooked, domainJson, domainLines } from './domain-report.ts'
import { type ExitCode, exitCodes, UsageError } from './exit-code.ts'
import { knownNames } from './known-names.ts'
import { requireKinds } from './preflight.ts'
import { leftUnread, mayBeUnread } from './unread.ts'

type Options = ClusterOptions & {
  readonly directory?: string
  readonly state: string
  readonly output: 'text' | 'json'
}

export const addDomain = (program: Command, context: Context): Command =>
  scopeOptions(program.command('domain').summary('the DNS records of sender domains').command('check'))
    .summary('look at the DNS records of sender domains now')
    .description(
      "Asks the name servers of each domain's zone, and its resolvers from here, for the records that spec.expect wants.\n" +
        'Tells what is there, what it costs in points, and what to publish: for a zone file, and for a form.',
    )
    .argument('[name]', 'NAMESPACE/NAME, or the NAME of one in the namespace; absent: all that expect something')
    .option('-f, --directory <dir>', 'a folder of YAML files; absent: the cluster')
    .option(...stateOption)
    .addOption(outputOption('text', 'json'))
    .action(async (name: string | undefined, options: Options) => context.finish(await check(name, options, context)))

async function check(name: string | undefined, options: Options, { terminal, signal }: Context): Promise<ExitCode> {
  const { chosen, read } = await chosenChecks(name, options, signal)
  const ask = openAsking({ perSecond })
  const looking = { ask, now: Date.now, dice: Math.random, signal }
  const looked = await Promise.all(chosen.map((asked) => look(asked, looking)))
  if (options.output === 'json') terminal.out(JSON.stringify({ domains: looked.map(domainJson) }, null, 2))
  else {
    for (const one of looked) for (const line of domainLines(one, terminal)) terminal.out(line)
    if (looked.length === 0)
      terminal.out(terminal.style('warn', 'no SenderDomain here expects any record (spec.expect)'))
  }
  const unread = read && leftUnread(read)
  if (unread !== undefined) terminal.err(unread)
  const verdict = verdictOn(looked)
  return verdict === exitCodes.ok && unread !== undefined ? exitCodes.failed : verdict
}

/** More than the operator's rate: a person waits for the answer, and asks only once. */
const perSecond = 100

function verdictOn(looked: readonly DomainLooked[]): ExitCode {
  const records = looked.flatMap(({ found }) => found.records)
  if (records.some(isBroken)) return exitCodes.refused
  return records.some(({ state }) => state === 'Unknown') ? exitCodes.failed : exitCodes.ok
}

type Asked = {
  readonly name: Name
  readonly domain: string
  /** Absent where no record is expected. */
  readonly checks?: DomainChecks
  /** Why its mail is not signed, if that should be reported. */
  readonly unsigned?: string
}

async function look(
  { name, domain, checks, unsigned }: Asked,
  looking: Parameters<typeof observe>[1],
): Promise<DomainLooked> {
  const told = { name, domain, ...(unsigned !== undefined && { unsigned }) }
  if (checks === undefined) return { ...told, found: { records: [] } }
  const { wanted } = checks
  const resolvers = resolversOf(checks.resolvers, systemServers)
  return { ...told, found: await observe({ domain, wanted, resolvers, before: undefined }, looking) }
}

/** @throws UsageError where there is no such SenderDomain, or it expects no records. */
async function chosenChecks(name: string | undefined, options: Options, signal: AbortSignal) {
  const { names, asked, namespace, read } = await allChecks(options, signal)
  if (name === undefined) {
    const everywhere = options.allNamespaces === true
    return { chosen: asked.filter((its) => isIn(its.name, everywhere ? undefined : namespace)), read }
  }
  const wanted = objectNameIn(namespace, name, 'the name')
  if (!names.includes(wanted))
    throw new UsageError(`there is no SenderDomain ${wanted}; ${knownNames(wanted, names)}${mayBeUnread(read)}`)
  const its = asked.filter((one) => one.name === wanted)
  if (its.length > 0) return { chosen: its, read }
  throw new UsageError(
    `SenderDomain ${wanted} expects no records, or lost its domain; give it spec.expect, and see relayfleet check`,
  )
}

const isIn = (name: Name, namespace: string | undefined): boolean =>
  namespace === undefined || splitName(name).namespace === namespace

async function allChecks(options: Options, signal: AbortSignal) {
  const { directory, state } = options
  if (directory !== undefined) {
    // --namespace is allowed with a folder, too: it is where a name without a namespace is looked for.
    const { namespace: _, allNamespaces: __, ...others } = options
    requireOneWorld('--directory', others)
    const offline = await compileDirectory(existingDirectory(directory), stateAt(state))
    return { ...askedOf(offline.snapshot, offline.compiled), namespace: options.namespace, read: offline.directory }
  }
  const cluster = openCluster(options, 'a folder: -f DIR')
  return asking(cluster, async () => {
    await requireKinds(cluster, signal)
    const { snapshot } = await snapshotOnce(cluster.api, cluster.scope, signal)
    return { ...askedOf(snapshot, compile(snapshot)), namespace: cluster.namespace, read: undefined }
  })
}

function askedOf({ domains }: Snapshot, { domainChecks, findings }: Compiled) {
  const asked = domains.flatMap((domain): readonly Asked[] => {
    const name = nameOf(domain)
    const checks = domainChecks.get(name)
    // Where a DKIM record is still wanted, a key may be signing until the last relay has stopped using it.
    const isSigned = checks?.wanted.some(({ purpose }) => purpose === 'DKIM') ?? false
    const unsigned = isSigned ? undefined : findings.get(refOf(domain))?.find(({ reason }) => reason === notSigned)
    if (checks === undefined && unsigned === undefined) return []
    const found = { ...(checks && { checks }), ...(unsigned && { unsigned: unsigned.message }) }
    return [{ name, domain: domain.spec.domain, ...found }]
  })
  return { names: domains.map(nameOf), asked }
}
