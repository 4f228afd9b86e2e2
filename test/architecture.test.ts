/** The floor plan holds: imports go downwards, some folders keep apart, heavy packages are imported in few places, and pure files stay pure. */
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { expect, test } from 'vitest'

const root = join(import.meta.dirname, '..')

/** Bottom first. A file may import its own layer and the layers before it, never one after it. */
const layers = [
  'crds/',
  'relay/node-flags.ts',
  'relay/decode.ts',
  'relay/folder-watch.ts',
  'relay/rules/networks.ts',
  'relay/config.ts',
  'relay/config-text.ts',
  'relay/latest.ts',
  'relay/mail/',
  'relay/rules/',
  'relay/held-entry.ts',
  'relay/less-revoked.ts',
  'relay/tallies.ts',
  'relay/version.ts',
  'relay/program-metrics.ts',
  'relay/metrics.ts',
  'relay/log.ts',
  'relay/shown-error.ts',
  'relay/events.ts',
  'relay/shared-page.ts',
  'relay/listen.ts',
  'relay/page-server.ts',
  'relay/http.ts',
  'relay/whole-turn.ts',
  'relay/within.ts',
  'relay/spool/',
  'relay/bounded-file.ts',
  'relay/one-at-a-time.ts',
  'relay/line-file.ts',
  'relay/peer-certificate.ts',
  'relay/limits/',
  'relay/keys/',
  'relay/turns.ts',
  'relay/headroom.ts',
  'relay/tls-records.ts',
  'relay/tls-verdict.ts',
  'relay/under-handshake.ts',
  'relay/timer.ts',
  'relay/alarm.ts',
  'relay/inbound/',
  'relay/delivery/',
  'relay/arguments.ts',
  'relay/config-octets.ts',
  'relay/load.ts',
  'relay/config-folder.ts',
  'relay/last-good.ts',
  'relay/endpoints-file.ts',
  'relay/together.ts',
  'relay/without-waiting.ts',
  'relay/line-output.ts',
  'relay/descriptors.ts',
  'relay/memory.ts',
  'relay/drain.ts',
  'relay/last-calls.ts',
  'relay/main.ts',
  'operator/dirty.ts',
  'operator/backoff.ts',
  'operator/lifecycle/',
  'operator/dns/',
  'operator/compile/',
  'operator/conditions.ts',
  'operator/records-saying.ts',
  'operator/broken-records.ts',
  'operator/standing.ts',
  'operator/few.ts',
  'operator/degraded.ts',
  'operator/certificate-valid.ts',
  'operator/spools.ts',
  'operator/waiting.ts',
  'operator/compiled-hash.ts',
  'operator/fleets-by-object.ts',
  'operator/usage.ts',
  'operator/observed-status.ts',
  'operator/ca.ts',
  'operator/issued-pair.ts',
  'operator/key-told.ts',
  'operator/key-saying.ts',
  'operator/key-uses.ts',
  'operator/known-uses.ts',
  'operator/binding-secret.ts',
  'operator/new-signing-key.ts',
  'operator/manifests/',
  'operator/run.ts',
  'operator/ways-out.ts',
  'operator/explain.ts',
  'operator/cluster/api/',
  'operator/cluster/lead/',
  'operator/cluster/write/',
  'operator/cluster/events/',
  'operator/cluster/watch/',
  'operator/cluster/record-news.ts',
  'operator/cluster/key-news.ts',
  'operator/cluster/expiry-news.ts',
  'operator/cluster/rotation-news.ts',
  'operator/cluster/telling.ts',
  'operator/cluster/authority/',
  'operator/cluster/bindings/',
  'operator/cluster/domain-keys/',
  'operator/cluster/fleets/',
  'operator/cluster/publishing/',
  'operator/cluster/statuses/',
  'operator/cluster/assemble.ts',
  'operator/cluster/person/',
  'operator/cluster/',
  'operator/local/',
  'operator/pages.ts',
  'operator/metrics.ts',
  'operator/cli/',
  'operator/cli.ts',
  'operator/launch.ts',
]

/** `[from, to]`: nothing under `from` imports anything under `to`. */
const bans: readonly (readonly [string, string])[] = [
  ['relay/delivery/', 'relay/inbound/'],
  ['relay/', 'crds/'],
  ['relay/', 'operator/'],
  ['operator/local/', 'operator/cluster/'],
  ['operator/cluster/', 'operator/local/'],
]

/** What the operator may import of the relay: the configuration contract, the mail vocabulary, the rules, and what both sides share. */
const operatorMaySee = [
  'relay/version.ts',
  'relay/program-metrics.ts',
  'relay/node-flags.ts',
  'relay/config.ts',
  'relay/config-text.ts',
  'relay/folder-watch.ts',
  'relay/mail/',
  'relay/rules/',
  'relay/held-entry.ts',
  'relay/less-revoked.ts',
  'relay/http.ts',
  'relay/within.ts',
  'relay/shared-page.ts',
  'relay/page-server.ts',
  'relay/peer-certificate.ts',
]

/** The only places that import a package. */
const doors: Readonly<Record<string, readonly string[]>> = {
  'smtp-server': ['operator/cli/receive.ts'],
  '@kubernetes/client-node': ['operator/cluster/api/connection.ts'],
  '@redis/client': ['relay/limits/redis-connection.ts'],
  nodemailer: ['relay/delivery/', 'operator/local/', 'operator/cli/'],
  'prom-client': ['relay/program-metrics.ts', 'relay/metrics.ts', 'relay/tallies.ts', 'operator/metrics.ts'],
  ajv: ['crds/validate.ts'],
  yaml: ['crds/kubectl-yaml.ts', 'operator/local/', 'operator/cli/'],
  commander: ['operator/cli.ts', 'operator/cli/'],
  tldts: ['relay/rules/', 'relay/mail/', 'operator/lifecycle/records-wanted.ts'],
  '@peculiar/x509': ['operator/ca.ts'],
  'dns-packet': ['operator/dns/message.ts'],
  'reflect-metadata': ['operator/ca.ts'],
}

/** These turn values into values, without a clock, randomness, the environment or waiting. */
const pure = [
  'operator/lifecycle/',
  'operator/compile/',
  'operator/manifests/',
  'operator/ways-out.ts',
  'relay/mail/',
  'relay/rules/',
  'relay/delivery/decide.ts',
  'relay/delivery/backoff.ts',
]
const impure = /\bDate\.now\b|\bnew Date\(\)|\bMath\.random\b|\bprocess\.|\basync\b|\bawait\b|\bsetTimeout\b/

/** The only readers of argv and environment. */
const rootsOfComposition = ['operator/cli.ts', 'relay/main.ts', 'crds/print.ts']

const files = readdirSync(root, { recursive: true, encoding: 'utf8' })
  .filter((f) => /^(crds|relay|operator)\/.*\.ts$/.test(f))
  .toSorted()
const text = (file: string): string => readFileSync(join(root, file), 'utf8')
const specifiers = (file: string, kind: RegExp): readonly string[] =>
  [...text(file).matchAll(kind)].map((m) => m[1] ?? '')
const anyImport = /^\s*(?:import|export)\b(?:[^'"]*?\bfrom)?\s+'([^']+)'/gm
const valueImport = /^\s*(?:import|export)\b(?:\s+(?!type\b)[^'"]*?\bfrom)?\s+'([^']+)'/gm

const localImports = (file: string): readonly string[] =>
  specifiers(file, anyImport)
    .filter((s) => s.startsWith('.'))
    .map((s) => relative(root, join(root, dirname(file), s)))
const packages = (file: string): readonly string[] =>
  specifiers(file, valueImport).filter((s) => !s.startsWith('.') && !s.startsWith('node:'))
const layerOf = (file: string): number => layers.findIndex((prefix) => file.startsWith(prefix))

test('the check finds source files to look at', () => {
  expect(files.length).toBeGreaterThan(20)
})

test.each(files)('%s lives in a layer and imports only downwards', (file) => {
  expect(layerOf(file), `${file} is in no layer: add it to the list`).toBeGreaterThanOrEqual(0)
  expect(localImports(file).filter((to) => layerOf(to) > layerOf(file))).toEqual([])
})

test.each(bans)('nothing under %s imports %s', (from, to) => {
  expect(files.filter((f) => f.startsWith(from) && localImports(f).some((i) => i.startsWith(to)))).toEqual([])
})

test('the operator imports of the relay only what is listed as shared', () => {
  const seen = files
    .filter((f) => f.startsWith('operator/'))
    .flatMap((f) => localImports(f).filter((i) => i.startsWith('relay/')))
  expect(seen.filter((i) => !operatorMaySee.some((prefix) => i.startsWith(prefix)))).toEqual([])
})

test.each(Object.entries(doors))('only the listed places import %s', (name, allowed) => {
  const users = files.filter((f) => packages(f).some((p) => p === name || p.startsWith(`${name}/`)))
  expect(users.filter((f) => !allowed.some((prefix) => f.startsWith(prefix)))).toEqual([])
})

test.each(
  files.filter((f) => pure.some((prefix) => f.startsWith(prefix))),
)('%s has no clock, randomness, environment or waiting', (file) => {
  const code = text(file).replaceAll(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '')
  expect(impure.exec(code)?.[0]).toBeUndefined()
})

test('argv and the environment are read only where the programs start', () => {
  const readers = files.filter((f) => /\bprocess\.(argv|env)\b/.test(text(f)))
  expect(readers.filter((f) => !rootsOfComposition.includes(f))).toEqual([])
})

test.each(files)('%s opens with a doc comment and has at most 400 lines', (file) => {
  expect(text(file)).toMatch(/^(#!.*\n)?\/\*\*/)
  expect(text(file).split('\n').length).toBeLessThanOrEqual(401)
})

test('no file has a catch-all name such as utils or types', () => {
  expect(files.filter((f) => /(^|\/)(utils?|helpers?|types|common|shared|constants|misc|index)\.ts$/.test(f))).toEqual(
    [],
  )
})
