/** Does at random what people do to the objects of one namespace, and knows what they have declared in the end. */
import { ownResources, pathOf } from '../../../operator/cluster/api/resource.ts'
import { type Api, accepted, type KubeObject } from '../api.ts'
import { credential, domain, make, policy } from '../whole/scenarios.ts'
import type { Witness } from '../whole/witness.ts'
import type { Dice } from './chance.ts'

type Spec = Readonly<Record<string, unknown>>

const plurals = { p: 'relaypolicies', c: 'relaycredentials' }
const core = (namespace: string, plural: string, name = ''): string =>
  `/api/v1/namespaces/${namespace}/${plural}${name === '' ? '' : `/${name}`}`
const [policies, credentials] = [
  ['p0', 'p1'],
  ['c0', 'c1', 'c2', 'c3'],
]

export class Walker {
  readonly #admin: Api
  readonly #namespace: string
  readonly #witness: Witness
  readonly #dice: Dice
  readonly #declared = new Map<string, Spec>()
  readonly #inTheWay = new Set<string>()
  readonly log: string[] = []

  constructor(admin: Api, namespace: string, witness: Witness, dice: Dice) {
    this.#admin = admin
    this.#namespace = namespace
    this.#witness = witness
    this.#dice = dice
  }

  /** The objects that a fresh namespace needs to be like this one. */
  get declared(): readonly object[] {
    return [...this.#declared].map(([name, spec]) => objectOf(name, spec))
  }

  async step(): Promise<void> {
    const steps = [
      () => this.#policy(),
      () => this.#credential(),
      () => this.#credential(),
      () => this.#credential(),
      () => this.#domain(),
      () => this.#stranger(),
      () => this.#damage(),
    ]
    await this.#dice.of(steps)()
  }

  /** Removes what is in the way and makes what is missing, since credentials otherwise keep what they had, which is history. */
  async clear(): Promise<void> {
    for (const name of this.#inTheWay) await this.#removeStranger(name)
    for (const name of ['shop', ...policies]) if (!this.#declared.has(name)) await this.#create(name, {})
  }

  async #policy(): Promise<void> {
    const name = this.#dice.of(policies)
    const before = this.#declared.get(name)
    if (before === undefined) return this.#create(name, {})
    const edits: readonly Spec[] = [
      { replicas: 1 + this.#dice.below(3) },
      { suspended: before['suspended'] !== true },
      { hostname: `relay-${this.#dice.below(9)}.example.org` },
      { listeners: [{ name: 'submission', port: 2500 + this.#dice.below(9), tls: { mode: 'StartTLS' } }] },
    ]
    if (this.#dice.below(5) === 0) return this.#remove(name)
    await this.#edit(name, this.#dice.of(edits))
  }

  async #domain(): Promise<void> {
    if (this.#declared.has('shop')) await this.#remove('shop')
    else await this.#create('shop', {})
  }

  async #credential(): Promise<void> {
    const name = this.#dice.of(credentials)
    const before = this.#declared.get(name)
    if (before === undefined) {
      this.#witness.allow(name)
      return this.#create(name, { policyRef: { name: this.#dice.of(policies) } })
    }
    if (this.#dice.below(3) === 0) {
      await this.#remove(name)
      const list = accepted(await this.#admin.get(pathTo(this.#namespace, name, '')))
      return this.#witness.forbid(name, versionOf(list))
    }
    if (this.#dice.below(3) === 0) {
      await this.#edit(name, { secretTemplate: { name: `${name}-smtp${this.#dice.below(2)}` } })
      return
    }
    const suspended = before['suspended'] !== true
    if (!suspended) this.#witness.allow(name)
    const version = await this.#edit(name, { suspended })
    if (suspended) this.#witness.forbid(name, version)
  }

  /** Makes somebody else's Secret in a place that one of ours may need, or removes it. */
  async #stranger(): Promise<void> {
    const name = this.#dice.of(['c0', 'c1-smtp0', 'c2-smtp1', 'p0-relay-tls'])
    if (this.#inTheWay.has(name)) return this.#removeStranger(name)
    const { status } = await this.#admin.create(core(this.#namespace, 'secrets'), {
      metadata: { name },
      data: { a: 'Yg==' },
    })
    if (status !== 201) return
    this.log.push(`somebody's Secret ${name}`)
    this.#inTheWay.add(name)
  }

  async #removeStranger(name: string): Promise<void> {
    this.log.push(`no more of somebody's Secret ${name}`)
    this.#witness.mayGo(name)
    this.#inTheWay.delete(name)
    accepted(await this.#admin.remove(core(this.#namespace, 'secrets', name)))
  }

  async #damage(): Promise<void> {
    const name = this.#dice.of(policies)
    const paths = [
      core(this.#namespace, 'secrets', `${name}-relay-config-0`),
      core(this.#namespace, 'secrets', this.#dice.of(credentials)),
      core(this.#namespace, 'services', name),
      `/apis/apps/v1/namespaces/${this.#namespace}/statefulsets/${name}`,
    ]
    const path = this.#dice.of(paths)
    if (this.#inTheWay.has(path.slice(path.lastIndexOf('/') + 1))) return
    const { status } = await this.#admin.remove(path)
    if (status === 200) this.log.push(`DELETE ${path}`)
  }

  async #create(name: string, spec: Spec): Promise<void> {
    this.log.push(`create ${name} ${JSON.stringify(spec)}`)
    this.#declared.set(name, spec)
    await make(this.#admin, this.#namespace, [objectOf(name, spec)])
  }

  async #edit(name: string, change: Spec): Promise<string> {
    this.log.push(`edit ${name} ${JSON.stringify(change)}`)
    this.#declared.set(name, { ...this.#declared.get(name), ...change })
    return versionOf(accepted(await this.#admin.patch(pathTo(this.#namespace, name), { spec: change })))
  }

  async #remove(name: string): Promise<void> {
    this.log.push(`delete ${name}`)
    this.#declared.delete(name)
    accepted(await this.#admin.remove(pathTo(this.#namespace, name)))
  }
}

const objectOf = (name: string, spec: Spec): object => {
  if (name.startsWith('p')) return policy(name, spec)
  return name === 'shop' ? domain() : credential(name, spec)
}

const versionOf = ({ metadata }: KubeObject): string => String(metadata['resourceVersion'])

function pathTo(namespace: string, of: string, name = of): string {
  const plural = { ...plurals, s: 'senderdomains' }[of.slice(0, 1)]
  const resource = ownResources.find((r) => r.plural === plural)
  if (resource === undefined) throw new Error(`${of} is of no kind`)
  return pathOf(resource, { namespace, ...(name !== '' && { name }) })
}
