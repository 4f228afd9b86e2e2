/** `explain` notes what else has to be known of its answer: that no relay runs, or what another listener or client gets. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { notesOn } from '../../../operator/cli/explain-notes.ts'
import { compile } from '../../../operator/compile/compile.ts'
import type { Snapshot } from '../../../operator/compile/snapshot.ts'
import { explain } from '../../../operator/explain.ts'
import { credential as aCredential, domain as aDomain, policy as aPolicy, snapshot } from '../../compile/big-world.ts'
import { temporaryFolder } from '../../local/temporary.ts'
import { credential, domain, policy, yamlDirectory } from '../local/yaml.ts'
import { commanded } from './commanded.ts'

const listener = { name: 'submission', port: 2525 }
const clients = 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: clients, namespace: mail}\ndata: {ca.crt: one}\n'
const header = 'From: <a@example.org>\r\n\r\n'

type Case = {
  readonly name: string
  readonly spec: object
  readonly files?: Readonly<Record<string, string>>
  readonly client?: string
  readonly message?: string
  readonly note?: RegExp
}
const cases: readonly Case[] = [
  { name: 'nothing, where one answer is that of all', spec: {} },
  {
    name: 'that a fleet has no relay',
    spec: { replicas: 0 },
    note: /^spec\.replicas of RelayPolicy mail\/shared is 0, so no relay runs/,
  },
  {
    name: 'that every listener requires a certificate beside the password',
    spec: { listeners: [{ ...listener, clientCertificates: { mode: 'Required', caRef: { name: 'clients' } } }] },
    files: { 'clients.yaml': clients },
    note: /^RelayCredential team-a\/web: every listener of RelayPolicy mail\/shared requires a client certificate/,
  },
  {
    name: 'which listener mends the bare line feeds that are refused',
    spec: { listeners: [listener, { name: 'old', port: 2526, bareNewlines: 'Normalise' }] },
    message: `${header}a\nb\r\n`,
    note: /^the message gets past this rule at listener old/,
  },
  {
    name: 'at which listener a client that may not connect is told nothing',
    spec: {
      listeners: [listener, { name: 'submissions', port: 2526, tls: { mode: 'Implicit' } }],
      admission: { networks: { deny: ['192.0.2.0/24'] }, credentials: { namespaces: { from: 'All' } } },
    },
    client: '192.0.2.7',
    note: /^the connection is closed without a reply at listener submissions/,
  },
  {
    name: 'what a client gets that announces the size of a message which is too large',
    spec: { admission: { limits: { messageSize: '20' }, credentials: { namespaces: { from: 'All' } } } },
    message: header,
    note: /at MAIL: 552 5\.3\.4 message too large \(admission\.limits\.messageSize\)$/,
  },
  {
    name: 'what it gets where the message is larger than the whole queue',
    spec: { queue: { storage: { size: '30' } } },
    message: header,
    note: /at MAIL: 552 5\.3\.4 message too large \(admission\.limits\.messageSize\)$/,
  },
  {
    name: 'that a file was not read',
    spec: {},
    files: { 'half.yaml': 'kind: [' },
    note: /half\.yaml could not be read: relayfleet check tells why$/,
  },
]

test.each(cases)('explain notes $name', async ({ spec, files = {}, client, message, note }) => {
  const [folder, objects] = [temporaryFolder(), { 'domain.yaml': domain(), 'web.yaml': credential('web', 'shared') }]
  const directory = yamlDirectory({ ...objects, ...files, 'policy.yaml': policy('shared', 2525, spec) })
  const file = join(folder, 'message.eml')
  if (message !== undefined) writeFileSync(file, message)
  const asked = [
    ...['explain', directory, '--credential', 'team-a/web', '--from', 'a@example.org', '--to', 'b@example.net'],
    ...['--state', join(folder, 'state'), ...(client === undefined ? [] : ['--client', client])],
    ...(message === undefined ? [] : ['--message', file]),
  ]
  const notes = note === undefined ? [] : [expect.stringMatching(note)]
  expect(JSON.parse((await commanded(...asked, '-o', 'json')).out).notes).toEqual(notes)
  const lines = (await commanded(...asked)).out.split('\n').filter((line) => line.startsWith('  note   '))
  expect(lines.map((line) => line.slice('  note   '.length))).toEqual(notes)
})

const shared = { namespace: 'mail', name: 'shared' }
const [org, app] = [
  { namespace: 'mail', name: 'org' },
  { namespace: 'team-a', name: 'web' },
]
const declared = {
  policies: [aPolicy(shared)],
  domains: [aDomain(org, { domain: 'example.org' })],
  credentials: [aCredential(app, { policyRef: shared, senderDomainRefs: [org] })],
}
const late = { type: 'Programmed', status: 'False', reason: 'Lagging', message: '1 of 2 ready relays lags' }

test.each<[string, Partial<Snapshot>, Readonly<Record<string, unknown>>, readonly string[]]>([
  [
    'that the relays do not have what is declared',
    {},
    { conditions: [late] },
    ['RelayCredential team-a/web: 1 of 2 ready relays lags'],
  ],
  [
    'that a policy is being deleted, and then nothing of relays that lag',
    { policies: [{ ...aPolicy(shared), leaving: true }] },
    { conditions: [late] },
    ['RelayPolicy mail/shared is being deleted: its relays take no new mail'],
  ],
])('explain notes of a cluster %s', (_, facts, status, notes) => {
  const compiled = compile(snapshot({ ...declared, ...facts }))
  const fleet = compiled.fleets.get('mail/shared')
  const [credential] = fleet?.config?.credentials ?? []
  if (fleet?.config === undefined || credential === undefined) throw new Error('the fleet does not run')
  const question = {
    reversePath: 'a@example.org',
    forwardPaths: ['b@example.net'],
    message: Buffer.from(header),
    now: 0,
  }
  const explanation = explain(fleet.config, credential, question)
  const answer = { name: 'team-a/web', compiled, status, fleet, config: fleet.config, question, explanation } as const
  expect([...notesOn(answer)]).toEqual(notes)
})
