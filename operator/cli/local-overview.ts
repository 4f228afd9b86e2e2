/** The overview of a state folder: from what local mode wrote, and from what its relays report now. */
import { existsSync } from 'node:fs'
import { configHash } from '../../relay/config.ts'
import type { Condition } from '../compile/compiled.ts'
import { isOf, nameIn, type Ref, splitName } from '../compile/snapshot.ts'
import { configOnDisk } from '../local/facts.ts'
import { textOf } from '../local/files.ts'
import { askRelay } from '../local/relay-status.ts'
import type { State } from '../local/state.ts'
import { readStatuses } from '../local/status-file.ts'
import type { StampedStatus } from '../observed-status.ts'
import { waitingIn } from '../waiting.ts'
import { type Complaint, complaintsIn, inOrder } from './complaint.ts'
import { counted, credentialViews, type FleetView, type Overview, policiesCalled, readyOf } from './overview.ts'

type Statuses = readonly (readonly [Ref, StampedStatus])[]

/** @throws Error where the folder has no statuses or may not be read; UsageError where there is no fleet of that name. */
export async function localOverview(state: State, name: string | undefined): Promise<Overview> {
  // Throws its own error where the folder may not be read.
  state.namespaces()
  const all = [...readStatuses(state.statusFile)]
  if (all.length === 0)
    throw new Error(`${state.statusFile} has no statuses; has relayfleet local run with this folder?`)
  const statuses = name === undefined ? all : only(name, all)
  const policies = statuses.filter(([ref]) => isOf(ref, 'RelayPolicy'))
  const fleets = await Promise.all(
    policies.map(async ([ref, status]) => {
      const fleet = await fleetView(state, ref, status)
      return { fleet, denial: denialOf(fleet, status, state) }
    }),
  )
  const denials = fleets.flatMap(({ denial }) => denial ?? [])
  const isDenied = (ref: Ref): boolean => denials.some(({ object }) => object === ref)
  return {
    fleets: fleets.map(({ fleet, denial }) => denied(fleet, denial)),
    credentials: credentialViews(statuses),
    findings: inOrder([...complaintsIn(statuses.map(([ref, status]) => ({ ref, status }))), ...denials]),
    objects: counted(statuses.map(([ref, { conditions }]) => ({ ref, conditions: isDenied(ref) ? [] : conditions }))),
    notes: isSilent(fleets.map(({ fleet }) => fleet)) ? [silence(state)] : [],
  }
}

/** Whether there are relays that should run, and none of them answers. */
const isSilent = (fleets: readonly FleetView[]): boolean => {
  const pods = fleets.flatMap((fleet) => fleet.pods)
  return pods.length > 0 && pods.every(({ configHash }) => configHash === undefined)
}

/** A note for that case: the statuses are from a run that has ended, and do not say so themselves. */
const silence = ({ root }: State): string =>
  `no relay answers, so this is what was last written; start relayfleet local with --state ${root}`

function only(name: string, statuses: Statuses): Statuses {
  const policies = statuses.filter(([ref]) => isOf(ref, 'RelayPolicy')).map(([ref]) => nameIn(ref))
  const found = policiesCalled(name, policies)
  return statuses.filter(([ref]) => found.some((policy) => ref === `RelayPolicy ${policy}`))
}

type PolicyStatus = { readonly listeners?: FleetView['listeners'] & readonly { readonly credentials?: number }[] }

async function fleetView(state: State, ref: Ref, status: StampedStatus): Promise<FleetView> {
  const name = nameIn(ref)
  const folder = state.fleet(name)
  const { listeners = [] } = status as PolicyStatus
  const said = await askRelay(folder)
  const text = textOf(folder.configFile)
  const relay = said && {
    configHash: said.hash,
    queued: waitingIn(said.queue),
    oldestSeconds: said.queue.oldestSeconds,
  }
  const environment = environmentOf(configOnDisk(state, name))
  const why = said === undefined ? 'it does not answer' : said.notReady.join('; ')
  return {
    name,
    ...(environment !== undefined && { environment }),
    ready: readyOf(status.conditions),
    wanted: existsSync(folder.stopped) ? 0 : 1,
    ...(text !== undefined && { configHash: configHash(text) }),
    listeners: listeners.map(({ name, address }) => ({ name, address })),
    credentials: listeners[0]?.credentials ?? 0,
    pods: existsSync(folder.stopped)
      ? []
      : [{ name: splitName(name).name, ready: said?.ready ?? false, ...(why !== '' && { why }), ...relay }],
  }
}

const environmentOf = (config: ReturnType<typeof configOnDisk>): string | undefined =>
  config === undefined || config === 'unreadable' ? undefined : config.environment

const isDegraded = (conditions: readonly Condition[]): boolean =>
  conditions.some(({ type, status }) => type === 'Degraded' && status === 'True')

/**
 * A complaint where the relay contradicts its written status, which may be old: local mode may have ended, or its disk may be
 * full.
 */
function denialOf({ name, pods, ready }: FleetView, written: StampedStatus, { root }: State): Complaint | undefined {
  const denying = pods.find((pod) => !pod.ready)
  if (ready.status !== 'True' || denying === undefined) return undefined
  const told = { severity: 'error', object: `RelayPolicy ${name}` } as const
  const running = `is relayfleet local running with ${root}?`
  if (denying.configHash === undefined)
    return { ...told, reason: 'NoAnswer', message: `its relay does not answer; ${running}` }
  if (isDegraded(written.conditions)) return undefined
  return { ...told, reason: 'NotReady', message: `its relay takes no mail now: ${denying.why}` }
}

const denied = (fleet: FleetView, by: Complaint | undefined): FleetView =>
  by === undefined ? fleet : { ...fleet, ready: { status: 'False', reason: by.reason, message: by.message } }
