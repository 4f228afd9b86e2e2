/** Every example compiles without an error, and its fleet accepts and refuses mail as the comments in the example say. */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { Name } from '../operator/compile/snapshot.ts'
import { explain } from '../operator/explain.ts'
import { compileDirectory, type Offline } from '../operator/local/offline.ts'
import { stateAt } from '../operator/local/state.ts'
import { readAuthority } from '../relay/rules/certificate.ts'
import { temporaryFolder } from './local/temporary.ts'

const folder = join(import.meta.dirname, '..', 'examples')
const examples = readdirSync(folder)
const compiled = (example: string): Promise<Offline> =>
  compileDirectory(join(folder, example), stateAt(temporaryFolder()))

test.each(examples)('%s compiles to fleets with credentials, and no condition is False or Unknown', async (example) => {
  const { directory, compiled: result } = await compiled(example)
  expect(directory.problems).toEqual([])
  const troubles = [...result.findings].flatMap(([ref, found]) =>
    found.filter((f) => f.status !== 'True' && f.type !== 'Programmed').map((f) => `${ref}: ${f.message}`),
  )
  expect(troubles).toEqual([])
  const fleets = [...result.fleets.values()]
  expect(fleets.length).toBeGreaterThan(0)
  expect(fleets.filter((f) => f.kind !== 'run' || f.config.credentials.length === 0)).toEqual([])
})

test('every ca.crt has a certificate, without which the relays of its example would not start', async () => {
  const authorities = await Promise.all(
    examples.map(async (example) => {
      const { objects } = (await compiled(example)).directory
      return objects.flatMap((o) => (o.declares === 'keyed' ? (o.values.get('ca.crt') ?? []) : []))
    }),
  )
  const texts = authorities.flat().map((octets) => `${Buffer.from(octets)}`)
  expect(texts).not.toEqual([])
  for (const text of texts) expect(() => readAuthority('ca.crt', text)).not.toThrow()
})

type Said = { readonly credential: Name; readonly from: string; readonly header?: string; readonly to: string }

async function answer(example: string, { credential, from, header, to }: Said) {
  const { compiled: result } = await compiled(example)
  const configs = [...result.fleets.values()].flatMap(({ config }) => config ?? [])
  const config = configs.find((c) => c.credentials.some((k) => k.name === credential))
  const entry = config?.credentials.find((k) => k.name === credential)
  if (config === undefined || entry === undefined) throw new Error(`no fleet of ${example} knows ${credential}`)
  const message = Buffer.from(`From: ${header ?? from}\r\n\r\n`)
  const { verdict, refusal, steps, ways } = explain(config, entry, {
    reversePath: from,
    forwardPaths: [to],
    message,
    now: 0,
  })
  return { verdict, ways, rule: refusal?.rule, audited: steps.flatMap((s) => s.audited.map((a) => a.rule)) }
}

const legacy = { credential: 'mail/legacy', from: 'app@example.org', to: 'y@example.net' } as const
const staging = { credential: 'staging/web', from: 'app@staging.example.org' } as const
const orders = { credential: 'bookshop/orders', to: 'y@example.net' } as const
const checkout = { credential: 'shop/checkout', to: 'y@example.net' } as const
const newsletter = { credential: 'team-b/newsletter', to: 'y@example.net' } as const
const web = { credential: 'team-a/web', to: 'y@example.net' } as const

test.each<[string, Said, object]>([
  ['production-with-smarthost', { ...checkout, from: 'noreply@mail.example.org' }, { verdict: 'accepted' }],
  [
    'production-with-smarthost',
    { ...checkout, from: 'billing-1@mail.example.org' },
    { rule: 'senderRules.envelopeFrom' },
  ],
  ['without-a-secret', { ...orders, from: 'orders@bookshop.example.org' }, { verdict: 'accepted' }],
  ['without-a-secret', { ...orders, from: 'x@mail.example.org' }, { rule: 'senderRules.envelopeFrom' }],
  ['client-certificates', { ...orders, from: 'orders@bookshop.example.org' }, { verdict: 'accepted' }],
  ['client-certificates', { ...orders, from: 'x@mail.example.org' }, { rule: 'senderRules.envelopeFrom' }],
  ['two-teams-and-consent', { ...web, from: 'x@a.example.org' }, { verdict: 'accepted' }],
  ['two-teams-and-consent', { ...newsletter, from: 'x@news.example.org' }, { verdict: 'accepted' }],
  ['two-teams-and-consent', { ...newsletter, from: 'x@a.example.org' }, { rule: 'senderRules.envelopeFrom' }],
  [
    'audit-before-enforcing',
    { ...legacy, header: 'ceo@example.com' },
    { verdict: 'accepted', audited: ['senderRules.headerFrom', 'senderRules.alignment'] },
  ],
  ['audit-before-enforcing', { ...legacy, from: 'x@example.com' }, { rule: 'senderRules.envelopeFrom' }],
  [
    'direct-to-mx',
    { credential: 'mail/app', from: 'x@example.org', to: 'y@example.net' },
    { verdict: 'accepted', ways: [{ route: 'world', type: 'MX', domain: 'example.net' }] },
  ],
  [
    'direct-to-mx',
    { credential: 'mail/app', from: 'x@example.org', to: 'y@example.org' },
    { ways: [{ route: 'own', type: 'Smarthost' }] },
  ],
  ['redirect-to-qa', { ...staging, to: 'y@example.net' }, { verdict: 'accepted' }],
  ['redirect-to-qa', { ...staging, to: 'y@example.com' }, { rule: 'credential.recipients' }],
])('in %s, the submission %j has the outcome that the example describes', async (example, said, expected) => {
  expect(await answer(example, said)).toMatchObject(expected)
})
