/** `domain check`: the DNS records of SenderDomains as they are now: wanted, found, a score, and what to publish. */
import type { Command } from 'commander'
import { snapshotOnce } from '../cluster/person/once.ts'
import { compile } from '../compile/compile.ts'
import type { Name } from '../compile/snapshot.ts'
import { openAsking } from '../dns/ask.ts'
import { observe } from '../dns/observe.ts'
import { serverIn, systemServers } from '../dns/server.ts'
import type { DomainChecks } from '../lifecycle/domain-checks.ts'
import { isBroken } from '../lifecycle/domain-records.ts'
import { compileDirectory } from '../local/offline.ts'
import { stateAt } from '../local/state.ts'
import { splitName } from '../manifests/names.ts'
import { asking } from './api-trouble.ts'
import { existingDirectory, objectNameIn, outputOption, stateOption } from './arguments.ts'
import { type ClusterOptions, openCluster, requireOneWorld, scopeOptions } from './cluster-options.ts'
import type { Context } from './context.ts'
import { type DomainLooked, domainJson, domainLines } from './domain-report.ts'
import { type ExitCode, exitCodes, UsageError } from './exit-code.ts'
import { knownNames } from './known-names.ts'
import { requireKinds } from './preflight.ts'

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
  const chosen = await chosenChecks(name, options, signal)
  const ask = openAsking({ perSecond })
  const looking = { ask, now: Date.now, dice: Math.random, signal }
  const looked = await Promise.all(chosen.map(([its, checks]) => look(its, checks, looking)))
  if (options.output === 'json') terminal.out(JSON.stringify({ domains: looked.map(domainJson) }, null, 2))
  else {
    for (const one of looked) for (const line of domainLines(one, terminal)) terminal.out(line)
    if (looked.length === 0)
      terminal.out(terminal.style('warn', 'no SenderDomain here expects any record (spec.expect)'))
  }
  return verdictOn(looked)
}

/** A person waits for it, and name servers do not mind. */
const perSecond = 100

function verdictOn(looked: readonly DomainLooked[]): ExitCode {
  const records = looked.flatMap(({ found }) => found.records)
  if (records.some(isBroken)) return exitCodes.refused
  return records.some(({ state }) => state === 'Unknown') ? exitCodes.failed : exitCodes.ok
}

async function look(
  name: Name,
  { domain, wanted, resolvers }: DomainChecks,
  looking: Parameters<typeof observe>[1],
): Promise<DomainLooked> {
  const own = resolvers.flatMap((text) => serverIn(text) ?? [])
  const all = own.length > 0 ? own : systemServers()
  return { name, domain, found: await observe({ domain, wanted, resolvers: all, before: undefined }, looking) }
}

type Chosen = readonly (readonly [Name, DomainChecks])[]

/** @throws UsageError where there is none of that name, or it expects nothing */
async function chosenChecks(name: string | undefined, options: Options, signal: AbortSignal): Promise<Chosen> {
  const { names, checks, namespace } = await allChecks(options, signal)
  if (name === undefined)
    return [...checks].filter(([its]) => isIn(its, options.allNamespaces === true ? undefined : namespace))
  const wanted = objectNameIn(namespace ?? '', name, 'the name')
  if (!names.includes(wanted)) throw new UsageError(`there is no SenderDomain ${wanted}; ${knownNames(wanted, names)}`)
  const its = checks.get(wanted)
  if (its !== undefined) return [[wanted, its]]
  throw new UsageError(
    `SenderDomain ${wanted} expects no records, or lost its domain; give it spec.expect, and see relayfleet check`,
  )
}

const isIn = (name: Name, namespace: string | undefined): boolean =>
  namespace === undefined || splitName(name).namespace === namespace

async function allChecks(options: Options, signal: AbortSignal) {
  const { directory, state } = options
  if (directory !== undefined) {
    // A namespace is where a name is looked for, in a folder as well.
    const { namespace: _, allNamespaces: __, ...others } = options
    requireOneWorld('--directory', others)
    const { compiled, snapshot } = await compileDirectory(existingDirectory(directory), stateAt(state))
    return { ...named(snapshot.domains), checks: compiled.domainChecks, namespace: options.namespace }
  }
  const cluster = openCluster(options)
  return asking(cluster, async () => {
    await requireKinds(cluster, signal)
    const { snapshot } = await snapshotOnce(cluster.api, cluster.scope, signal)
    const { domainChecks } = compile(snapshot)
    return { ...named(snapshot.domains), checks: domainChecks, namespace: cluster.namespace }
  })
}

const named = (domains: readonly { readonly namespace: string; readonly name: string }[]) => ({
  names: domains.map(({ namespace, name }): Name => `${namespace}/${name}`),
})
