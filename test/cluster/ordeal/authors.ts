/** People who declare at random: they make, edit, relabel and delete objects in three namespaces, and wait for nobody. */
import { type Answer, type Api, accepted } from '../api.ts'
import type { Dice } from '../faults/chance.ts'
import { credentialSpec, domainSpec, policySpec } from './specs.ts'

/** The namespaces by their purpose; `mail` is the platform team's. */
export type Places = { readonly mail: string; readonly team: string; readonly guest: string }

type Stage = {
  readonly admin: Api
  readonly places: Places
  readonly dice: Dice
  readonly log: (what: string) => void
}

type Declared = { readonly path: string; readonly kind: string; readonly spec: () => object }

const group = '/apis/relayfleet.dev/v1alpha1/namespaces'

export const declaredKinds = ['relaypolicies', 'senderdomains', 'relaycredentials'] as const

function allDeclared({ places, dice }: Stage): readonly Declared[] {
  const at = (kind: string, plural: string, spec: () => object) => (namespace: string, name: string) => ({
    ...{ kind, spec },
    path: `${group}/${namespace}/${plural}/${name}`,
  })
  const policy = at('RelayPolicy', 'relaypolicies', () => policySpec(dice))
  const domain = at('SenderDomain', 'senderdomains', () => domainSpec(dice, places))
  const { mail, team, guest } = places
  return [
    ...[policy(mail, 'p0'), policy(mail, 'p1'), policy(team, 'p2')],
    ...[domain(mail, 'd0'), domain(mail, 'd1'), domain(team, 'd2'), domain(guest, 'd3')],
    ...[mail, team, guest].flatMap((namespace) =>
      ['c0', 'c1', 'c2'].map((name) =>
        at('RelayCredential', 'relaycredentials', () => credentialSpec(dice, places, name))(namespace, name),
      ),
    ),
  ]
}

/** Throws on a refusal, unless what somebody else did at the same moment explains it. */
function expected(answer: Answer): Answer {
  if (![403, 404, 409, 422].includes(answer.status)) accepted(answer)
  return answer
}

export class Author {
  readonly #stage: Stage

  constructor(stage: Stage) {
    this.#stage = stage
  }

  async step(): Promise<void> {
    const { dice } = this.#stage
    const what = dice.below(12)
    if (what === 0) return this.#relabel()
    if (what === 1) return this.#given()
    await this.#declare(dice.of(allDeclared(this.#stage)))
  }

  /** Makes what is missing and mends what is invalid, so that nothing is kept only because what it depends on is away. */
  async complete(): Promise<void> {
    for (const declared of allDeclared(this.#stage)) {
      await this.#create(declared)
      const { kind, path } = declared
      const spec = mended[kind]
      if (spec !== undefined) this.#did('mend', path, await this.#stage.admin.patch(path, { spec }))
    }
    for (const name of givenSecrets) await this.#giveSecret(name)
    await this.#giveAuthority()
  }

  async #declare(declared: Declared): Promise<void> {
    const { admin, dice } = this.#stage
    const { path, spec } = declared
    if ((await this.#create(declared)) === 201) return
    if (dice.below(4) === 0) return this.#did('delete', path, await admin.remove(path))
    const change = Object.entries(spec()).filter(() => dice.below(3) === 0)
    this.#did('edit', path, await admin.patch(path, { spec: Object.fromEntries(change) }), change)
  }

  async #create({ path, kind, spec }: Declared): Promise<number> {
    const name = path.slice(path.lastIndexOf('/') + 1)
    const object = { apiVersion: 'relayfleet.dev/v1alpha1', kind, metadata: { name }, spec: spec() }
    const answer = await this.#stage.admin.create(path.slice(0, path.lastIndexOf('/')), object)
    if (answer.status !== 409) this.#did('create', path, answer, object.spec)
    return answer.status
  }

  async #relabel(): Promise<void> {
    const { admin, dice, places } = this.#stage
    const path = `/api/v1/namespaces/${dice.of(Object.values(places))}`
    const tier = dice.of(['gold', 'tin', null])
    this.#did('relabel', path, await admin.patch(path, { metadata: { labels: { tier } } }), tier)
  }

  /** Makes or deletes objects that policies and domains refer to. */
  async #given(): Promise<void> {
    const { admin, dice, places } = this.#stage
    const name = dice.of(givenSecrets)
    const path = `/api/v1/namespaces/${dice.of([places.mail, places.team])}/secrets/${name}`
    if (dice.below(2) === 0) return this.#did('delete', path, await admin.remove(path))
    await this.#giveSecret(name)
    await this.#giveAuthority()
  }

  async #giveSecret(name: string): Promise<void> {
    const { admin, places } = this.#stage
    const secret = Buffer.from(`secret-of-${name}`).toString('base64')
    const data = { username: 'dQ==', password: secret }
    for (const namespace of [places.mail, places.team]) {
      expected(await admin.create(`/api/v1/namespaces/${namespace}/secrets`, { metadata: { name }, data }))
    }
  }

  async #giveAuthority(): Promise<void> {
    const { admin, places } = this.#stage
    for (const namespace of [places.mail, places.team]) {
      const object = { metadata: { name: 'corporate' }, data: { 'ca.crt': 'PEM' } }
      expected(await admin.create(`/api/v1/namespaces/${namespace}/configmaps`, object))
    }
  }

  #did(what: string, path: string, answer: Answer, how?: unknown): void {
    const { status } = expected(answer)
    this.#stage.log(`${what} ${path.replace(group, '')} ${JSON.stringify(how ?? '')}: ${status}`)
  }
}

const mended: Readonly<Record<string, object>> = {
  RelayPolicy: { admission: { limits: { transactionTime: '10m' } } },
  SenderDomain: { localParts: [] },
}

const givenSecrets = ['smarthost', 'certificate'] as const
