/** Somebody who edits by hand what the operator made, and in the end mends what only a person can. */
import { managedByLabel, policyLabel } from '../../../operator/cluster/write/ownership.ts'
import { type Api, accepted } from '../api.ts'
import type { Dice } from '../faults/chance.ts'
import { type Owned, ownedIn } from './owned.ts'

type Options = {
  readonly admin: Api
  readonly namespaces: readonly string[]
  readonly dice: Dice
  readonly log: (what: string) => void
}

/** A merge patch. */
type Edit = { readonly data?: object | null; readonly metadata?: object; readonly spec?: object }

const specEdits: Readonly<Record<string, readonly Edit[]>> = {
  secrets: [
    { data: { 'relay.json': 'e30=' } },
    { data: { password: 'bWluZQ==' } },
    { data: { 'tls.key': 'bWluZQ==' } },
    { data: null },
    { metadata: { annotations: null } },
    { metadata: { annotations: { 'relayfleet.dev/heard': '{"RelayPolicy":"999999999999"}' } } },
    { metadata: { annotations: { 'relayfleet.dev/heard': 'nonsense' } } },
  ],
  configmaps: [{ data: null }, { data: { host: 'elsewhere.example.net' } }],
  services: [
    { spec: { selector: { mine: 'yes' } } },
    { spec: { selector: null } },
    { metadata: { annotations: null } },
  ],
  statefulsets: [
    { spec: { replicas: 7 } },
    { spec: { template: { spec: { terminationGracePeriodSeconds: 1 } } } },
    { spec: { template: { metadata: { labels: { mine: 'yes' } } } } },
  ],
  poddisruptionbudgets: [{ spec: { maxUnavailable: 9 } }, { spec: { selector: { matchLabels: { mine: 'yes' } } } }],
  networkpolicies: [
    { spec: { ingress: [{}] } },
    { spec: { egress: null } },
    { spec: { podSelector: { matchLabels: { mine: 'yes' } } } },
  ],
}
const anyEdits: readonly Edit[] = [
  { metadata: { labels: { mine: 'yes' }, annotations: { mine: 'yes' } } },
  { metadata: { annotations: { 'relayfleet.dev/applied-hash': 'mine' } } },
]
/** Only for objects of a fleet: a credential or domain is deleted at once, so what just lost its owner would never be removed. */
const fleetEdits: readonly Edit[] = [{ metadata: { ownerReferences: null } }]

/** Whether the object has all the keys that an edit changes; any other key would be somebody's own, and stay. */
const isOfIts = ({ object }: Owned, edit: { readonly data?: object | null }): boolean =>
  Object.keys(edit.data ?? {}).every((key) => key in Object(object['data']))

export class Meddler {
  readonly #options: Options
  /** The versions that were written by hand, which no operator is responsible for. */
  readonly wrote = new Set<string>()
  readonly #unlabelled: Owned[] = []
  readonly #kept: string[] = []

  constructor(options: Options) {
    this.#options = options
  }

  async step(): Promise<void> {
    const { admin, namespaces, dice } = this.#options
    const all = await ownedIn(admin, namespaces)
    if (all.length === 0) return
    const one = dice.of(all)
    const what = dice.below(10)
    if (what < 2) return this.#delete(one)
    if (what === 2) return this.#unlabel(one)
    if (what === 3) return this.#keep(one)
    const isOfFleet = policyLabel in Object(one.object.metadata['labels'])
    const its = [...anyEdits, ...(isOfFleet ? fleetEdits : []), ...(specEdits[one.resource.plural] ?? [])]
    const edits = its.filter((edit) => isOfIts(one, edit))
    await this.#patch(one, dice.of(edits))
  }

  /** Restores the labels by which the operator knows its objects, and removes the finalizers that were added. */
  async mend(): Promise<void> {
    for (const one of this.#unlabelled.splice(0)) {
      const { uid, labels } = one.object.metadata
      await this.#patch(one, { metadata: { uid, labels } })
    }
    for (const path of this.#kept.splice(0)) await this.#options.admin.patch(path, { metadata: { finalizers: null } })
  }

  async #delete({ path }: Owned): Promise<void> {
    const { admin, log } = this.#options
    log(`by hand: delete ${path}: ${(await admin.remove(path)).status}`)
  }

  async #unlabel(one: Owned): Promise<void> {
    const label = this.#options.dice.of([managedByLabel, policyLabel])
    this.#unlabelled.push(one)
    await this.#patch(one, { metadata: { labels: { [label]: null } } })
  }

  async #keep(one: Owned): Promise<void> {
    this.#kept.push(one.path)
    await this.#patch(one, { metadata: { finalizers: ['example.org/kept'] } })
  }

  async #patch({ path }: Owned, change: object): Promise<void> {
    const { admin, log } = this.#options
    const answer = await admin.patch(path, change)
    log(`by hand: ${path} ${JSON.stringify(change)}: ${answer.status}`)
    if (answer.status === 200) this.wrote.add(String(accepted(answer).metadata['resourceVersion']))
  }
}
