/** Writes a configuration over the Secrets as they were looked at, and removes those that it no longer needs. */
import type { RelayConfig } from '../../../relay/config.ts'
import type { Name } from '../../compile/snapshot.ts'
import { configSecrets, hashAnnotation } from '../../manifests/config-secrets.ts'
import type { KubeObject } from '../api/object.ts'
import { resources } from '../api/resource.ts'
import { dataOf } from '../api/secret-data.ts'
import { heardAnnotation } from '../watch/heard.ts'
import { type Applied, applyNew, applyObject, Deposed, type Writing } from '../write/apply.ts'
import { holds } from '../write/holds.ts'
import { marked } from '../write/ownership.ts'
import { removeSeen } from '../write/prune.ts'
import { placed } from './config-places.ts'
import type { FleetSecrets } from './fleet-secrets.ts'

export type ConfigPlan = {
  /** What has to be written, in this order. */
  readonly write: readonly KubeObject[]
  /** Names of Secrets that have to go after that. */
  readonly remove: readonly string[]
}

/** A configuration as the Secrets that it takes. */
export type PrintedConfig = {
  readonly config: RelayConfig
  readonly hash: string
  readonly parts: readonly KubeObject[]
}

/** @throws Error when the configuration is too large */
export function printedConfig(fleet: Name, config: RelayConfig): PrintedConfig {
  const parts = configSecrets(fleet, config)
  return { config, hash: parts.at(-1)?.metadata.annotations?.[hashAnnotation] ?? '', parts }
}

/** @throws Error when too few names are left for it */
export function planConfig(secrets: FleetSecrets, printed: PrintedConfig): ConfigPlan {
  const parts = new Map(printed.parts.map((manifest) => [keyOf(manifest), manifest]))
  const notOurs = secrets.notOurs()
  const names = secrets.configNames.filter((n) => !notOurs.has(n))
  const held = new Map(
    names.flatMap((name) => {
      const object = secrets.ours(name)
      return object === undefined ? [] : [[name, Object.keys(dataOf(object))] as const]
    }),
  )
  const { write, surplus } = placed([...parts.keys()], held, names)
  const objects = write.flatMap(({ key, name }) => {
    const manifest = parts.get(key)
    return manifest === undefined ? [] : [{ ...manifest, metadata: { ...manifest.metadata, name } }]
  })
  return { write: objects.filter((object) => !isThere(secrets, object)), remove: surplus }
}

/** Whether it is there as it should be, however much its writer had heard (the annotation of `heard.ts`). */
function isThere(secrets: FleetSecrets, object: KubeObject): boolean {
  const before = secrets.ours(object.metadata.name)
  const heard = before?.metadata.annotations?.[heardAnnotation]
  if (before === undefined || heard === undefined || excessOf(before, object).length > 0) return false
  return holds(before, marked(withHeard(object, heard), secrets.owner))
}

const keyOf = (secret: KubeObject): string => Object.keys(dataOf(secret))[0] ?? ''

/** Keys that somebody added: a relay could take one of them for the configuration. */
const excessOf = (before: KubeObject, desired: KubeObject): readonly string[] =>
  Object.keys(dataOf(before)).filter((key) => dataOf(desired)[key] === undefined)

const withHeard = (object: KubeObject, heard: string): KubeObject => ({
  ...object,
  metadata: { ...object.metadata, annotations: { ...object.metadata.annotations, [heardAnnotation]: heard } },
})

/**
 * One Secret after the other, since the order keeps a whole configuration there; it stops at the first that is not ours to
 * write, which is the last of the answer.
 * @throws ApiError, a conflict where one of them is no longer what it was; Deposed
 */
export async function writeConfig(
  secrets: FleetSecrets,
  { write, remove }: ConfigPlan,
  printed: PrintedConfig,
  heard: string,
  writing: Writing,
): Promise<readonly Applied[]> {
  const applied: Applied[] = []
  for (const object of write) {
    const done = await writeSecret(secrets, withHeard(object, heard), writing)
    applied.push(done)
    if (done.kind !== 'applied' && done.kind !== 'unchanged') return applied
  }
  for (const name of remove) await removeSecret(secrets, name, writing)
  secrets.wroteAll(printed)
  return applied
}

/** @throws ApiError, a conflict where it is no longer what it was */
export async function writeSecret(secrets: FleetSecrets, object: KubeObject, writing: Writing): Promise<Applied> {
  const { name } = object.metadata
  const before = secrets.ours(name)
  if (before === undefined) {
    const made = await applyNew(object, secrets.owner, writing)
    secrets.wrote(name, made)
    return { kind: 'applied', object: made }
  }
  const done = await applyObject(object, before, secrets.owner, writing, { onlyObserved: true })
  if (done.kind !== 'applied' && done.kind !== 'unchanged') return done
  const now = await withoutExcess(done.object, object, writing)
  if (now !== before) secrets.wrote(name, now)
  return done
}

async function withoutExcess(now: KubeObject, desired: KubeObject, { api, mayWrite, signal }: Writing) {
  const excess = excessOf(now, desired)
  if (excess.length === 0) return now
  if (!mayWrite()) throw new Deposed(`Secret ${now.metadata.name} is for another operator to write`)
  const { name, namespace = '', resourceVersion } = now.metadata
  const change = { metadata: { resourceVersion }, data: Object.fromEntries(excess.map((key) => [key, null])) }
  return api.merge(resources.secrets, { namespace, name }, change, { signal })
}

/** @throws ApiError, a conflict where it is no longer what it was */
export async function removeSecret(secrets: FleetSecrets, name: string, writing: Writing): Promise<void> {
  const before = secrets.ours(name)
  if (before === undefined) return
  await removeSeen(before, writing)
  secrets.wrote(name, undefined)
}
