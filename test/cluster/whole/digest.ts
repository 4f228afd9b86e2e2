/** The contents of a namespace, with random values replaced by their meaning, so that runs that end alike have equal digests. */
import { createPrivateKey, X509Certificate } from 'node:crypto'
import type { DkimKeyStatus } from '../../../operator/lifecycle/recorded-dkim-keys.ts'
import { configHash, parseConfig, printConfig, verifierOf } from '../../../relay/config.ts'
import { joinText } from '../../../relay/config-text.ts'
import { type Api, accepted, type KubeObject } from '../api.ts'

const kinds = [
  '/apis/relayfleet.dev/v1alpha1/%/relaypolicies',
  '/apis/relayfleet.dev/v1alpha1/%/senderdomains',
  '/apis/relayfleet.dev/v1alpha1/%/relaycredentials',
  '/api/v1/%/secrets',
  '/api/v1/%/services',
  '/apis/apps/v1/%/statefulsets',
  '/apis/policy/v1/%/poddisruptionbudgets',
  '/apis/networking.k8s.io/v1/%/networkpolicies',
]

type Data = Readonly<Record<string, string>>
type Listed = { readonly items: readonly KubeObject[] }

export type Digest = Readonly<Record<string, unknown>>

/** The objects by `plural name`, or by `plural namespace/name` if there are several namespaces. */
export async function digestOf(api: Api, ...namespaces: readonly string[]): Promise<Digest> {
  const named = ({ metadata }: KubeObject): string =>
    namespaces.length === 1 ? metadata.name : `${metadata.namespace}/${metadata.name}`
  const lists = await Promise.all(
    namespaces.flatMap((namespace) =>
      kinds.map(async (path) => {
        const at = path.replace('%', `namespaces/${namespace}`)
        const { items } = accepted(await api.get(at)) as unknown as Listed
        return items.map((o) => [`${path.slice(path.lastIndexOf('/') + 1)} ${named(o)}`, o] as const)
      }),
    ),
  )
  const objects = new Map(lists.flat())
  const chance = new Chance([...objects.values()])
  const copies = [...objects].filter(([key]) => isKeyCopy(key))
  const rest = [...objects].filter(([key]) => !isKeyCopy(key))
  const plain = rest.map(([key, o]) => [key, chance.replaced(plainOf(key, o, chance))] as const)
  const handed = copies.flatMap(([, o]) => Object.keys(dataOf(o)))
  plain.push(['copies of keys', handed.length])
  return Object.fromEntries(plain.toSorted(([a], [b]) => (a < b ? -1 : 1)))
}

/** The Secrets that hand keys to relays. Which of them a key is in depends on chance, so only the keys are counted. */
const isKeyCopy = (key: string): boolean => /^secrets .*-relay-dkim-\d$/.test(key)

const passing = ['relayfleet.dev/applied-hash', 'relayfleet.dev/heard', 'relayfleet.dev/nudged']

function plainOf(key: string, object: KubeObject, chance: Chance): unknown {
  const { name, labels, annotations, ownerReferences, deletionTimestamp } = object.metadata as unknown as {
    readonly deletionTimestamp?: string
    readonly name: string
    readonly labels?: Data
    readonly annotations?: Data
    readonly ownerReferences?: readonly { readonly kind: string; readonly name: string }[]
  }
  const kept = Object.entries(annotations ?? {}).filter(([k]) => !passing.includes(k))
  const owners = (ownerReferences ?? []).map((o) => `${o.kind} ${o.name}`)
  const body = key.startsWith('secrets ')
    ? { type: object['type'], data: chance.secret(object) }
    : { spec: object['spec'], ...(key.startsWith('relay') || key.startsWith('sender') ? statusOf(object) : {}) }
  const leaving = deletionTimestamp === undefined ? {} : { leaving: true }
  return { name, labels, annotations: Object.fromEntries(kept), owners, ...leaving, ...body }
}

const statusOf = (object: KubeObject) => ({ status: object['status'], generation: object.metadata['generation'] })

/** The texts that differ from run to run, and the meaning that replaces each. */
class Chance {
  readonly #names = new Map<string, string>()

  constructor(objects: readonly KubeObject[]) {
    for (const o of objects) {
      this.#names.set(String(o.metadata['uid']), '<uid>')
      this.#names.set(String(o.metadata.namespace), '<namespace>')
      if (o.kind === 'Service') for (const ip of clusterIPs(o)) this.#names.set(ip, '<ip>')
    }
    for (const o of objects) this.#learn(o)
    for (const o of objects) if (o.kind === 'RelayCredential') this.#learnEarlierKeys(o)
    for (const o of objects) this.#learnKeys(o)
  }

  /** A DKIM key is named after its stage and algorithm. */
  #learnKeys({ status }: KubeObject): void {
    const { dkimKeys = [] } = (status ?? {}) as { readonly dkimKeys?: readonly DkimKeyStatus[] }
    for (const { selector, algorithm, stage, publicKey } of dkimKeys) {
      this.#names.set(selector, `<${stage} ${algorithm}>`)
      this.#names.set(publicKey, `<public key, ${stage} ${algorithm}>`)
    }
  }

  /** A password's verifier is named after the Secret with the password; an outdated one keeps its value, so digests differ. */
  #learn(secret: KubeObject): void {
    const data = dataOf(secret)
    const { name } = secret.metadata
    if (data['password'] !== undefined) {
      const verifier = verifierOf(data['password'])
      this.#names.set(data['password'], `<password of ${name}>`)
      this.#names.set(verifier, `<verifier of ${name}>`)
      this.#names.set(verifier.slice(7, 15), `<key of ${name}>`)
    }
    const config = configIn(data)
    if (config === undefined) return
    const hash = configHash(config)
    this.#names.set(hash, `<hash of ${name}>`)
    // Messages have this shorter form.
    this.#names.set(hash.slice(0, 'sha256:'.length + 12), `<short hash of ${name}>`)
  }

  /** Nobody has the passwords of earlier keys, so they are named after their position, and one too many makes a difference. */
  #learnEarlierKeys(credential: KubeObject): void {
    const { keys = [] } = (credential['status'] ?? {}) as {
      readonly keys?: readonly { id: string; verifier: string }[]
    }
    const earlier = keys.filter(({ verifier }) => !this.#names.has(verifier))
    for (const [i, { id, verifier }] of earlier.entries()) {
      this.#names.set(verifier, `<verifier ${i} before that of ${credential.metadata.name}>`)
      this.#names.set(id, `<key ${i} before that of ${credential.metadata.name}>`)
    }
  }

  secret(secret: KubeObject): Readonly<Record<string, unknown>> {
    const data = dataOf(secret)
    if (data['tls.crt'] !== undefined) return { tls: certificateIn(data) }
    const signing = Object.keys(data).filter((name) => name.endsWith('.pem'))
    if (signing.length > 0) return { keys: signing.length }
    const { certificates, ...rest } = data
    const config = configIn(data)
    if (config !== undefined) return { config: JSON.parse(config) }
    if (data['ca.crt'] !== undefined) return { authorities: data['ca.crt'].split('BEGIN CERTIFICATE').length - 1 }
    return { ...rest, ...(certificates !== undefined && { certificates: certificates.includes('BEGIN CERTIFICATE') }) }
  }

  replaced(value: unknown): unknown {
    let text = JSON.stringify(value, (key, inner) => (times.includes(key) ? undefined : inner))
    for (const [from, to] of this.#names) if (from !== 'undefined') text = text.replaceAll(from, to)
    text = text.replaceAll(/dkim-[0-9a-f]{12}-/g, 'dkim-<hash>-')
    return JSON.parse(text.replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, '<time>'))
  }
}

const times = ['lastTransitionTime', 'creationTimestamp', 'clusterIP', 'clusterIPs', 'certificateEndsAt']

const clusterIPs = (service: KubeObject): readonly string[] =>
  ((service['spec'] as { clusterIPs?: readonly string[] }).clusterIPs ?? []).filter((ip) => ip !== 'None')

const dataOf = (object: KubeObject): Data =>
  Object.fromEntries(
    Object.entries((object['data'] ?? {}) as Data).map(([k, v]) => [k, Buffer.from(v, 'base64').toString()]),
  )

function configIn(data: Data): string | undefined {
  const names = Object.keys(data).filter((name) => name.startsWith('relay.json'))
  if (names.length === 0) return undefined
  return printConfig(parseConfig(joinText(names, (name) => Buffer.from(data[name] ?? ''))))
}

/** Whether a certificate and its key fit, and the hosts that it is for. */
function certificateIn(data: Data): string {
  if (!data['tls.crt']?.includes('BEGIN CERTIFICATE')) return 'NO certificate'
  const certificate = new X509Certificate(data['tls.crt'])
  const fits = certificate.checkPrivateKey(createPrivateKey(data['tls.key'] ?? ''))
  return `${fits ? 'a whole certificate' : 'NOT its key'} for ${certificate.subjectAltName}`
}
