/** The credentials of a fleet: those that are permitted there, and those in doubt that its relays know already. */
import type { RelayConfig } from '../../relay/config.ts'
import type { JudgedCredential } from './credential.ts'
import type { Domains } from './domain.ts'
import { byText } from './order.ts'
import { permit } from './permission.ts'
import type { FleetMember } from './relay-config.ts'
import type { Name } from './snapshot.ts'
import { wishAsBefore } from './wish.ts'

const routesBefore = (running: RelayConfig | undefined, name: string): readonly string[] =>
  (running?.routes ?? []).filter((r) => r.match?.credentials?.includes(name)).map((r) => r.name)

const none: readonly string[] = []

function judgedMembers(judged: readonly JudgedCredential[]): readonly FleetMember[] {
  const members: FleetMember[] = []
  for (const { credential, entry } of judged) {
    if (entry !== undefined) members.push({ name: entry.name, labels: credential.labels, routesBefore: none, entry })
  }
  return members
}

/** Invalid or unread credentials keep what they had, as far as the policy and the domains still permit it. */
function doubtfulMembers(fleet: Name, domains: Domains): readonly FleetMember[] {
  const { snapshot, credential, hasDoubts } = domains.known
  if (!hasDoubts) return []
  const running = snapshot.running.get(fleet)
  return (running?.credentials ?? []).flatMap((before): readonly FleetMember[] => {
    const name = before.name as Name
    if (credential(name).is !== 'doubtful') return []
    const { entry } = permit(wishAsBefore(before, snapshot.bindingKeys.get(name)), fleet, domains)
    return entry === undefined ? [] : [{ name, routesBefore: routesBefore(running, name), entry }]
  })
}

/** Sorted by name. */
export const membersOf = (fleet: Name, judged: readonly JudgedCredential[], domains: Domains): readonly FleetMember[] =>
  [...judgedMembers(judged), ...doubtfulMembers(fleet, domains)].toSorted((a, b) => byText(a.name, b.name))
