/** `domain check` prints what a person reads and pastes into a zone, gives programs JSON, and has an exit code for each verdict. */
import { describe, expect, test } from 'vitest'
import { asRoot } from '../../local/as-root.ts'
import { startZoneServer, type Table, txt } from '../dns/zone-server.ts'
import { yamlDirectory } from '../local/yaml.ts'
import { commanded } from './commanded.ts'

/** An address for this run alone, since a resolver has to be on port 53. */
const address = `127.54.${process.pid % 250}.${(process.pid >> 8) % 250}`

const ns = (name: string) => ({ answers: [{ type: 'NS', name, ttl: 60, data: 'ns1.example.org' } as const] })
const zone: Table = {
  'NS example.org': ns('example.org'),
  'A ns1.example.org': { answers: [{ type: 'A', name: 'ns1.example.org', ttl: 60, data: address }] },
  'TXT mail.example.org': { answers: txt('mail.example.org', 'v=spf1 include:a.example -all') },
  'TXT a.example': { answers: txt('a.example', 'v=spf1 ip4:192.0.2.1 -all') },
  'TXT _dmarc.example.org': { answers: txt('_dmarc.example.org', 'v=DMARC1; p=reject; rua=mailto:d@example.org') },
}
const signedElsewhere = { mode: 'Off', signedBy: 'Smarthost' }
const domain = (expected: object, dkim: object | null = signedElsewhere, name = 'example') =>
  [
    'apiVersion: relayfleet.dev/v1alpha1',
    'kind: SenderDomain',
    `metadata: {name: ${name}, namespace: mail}`,
    `spec: {domain: mail.example.org, environment: Production, dns: {resolvers: [${address}]}, expect: ${JSON.stringify(expected)}${dkim === null ? '' : `, dkim: ${JSON.stringify(dkim)}`}}`,
  ].join('\n')
const run = async (expected: object, table: Table, ...more: readonly string[]) => {
  await startZoneServer(table, address, 53)
  const folder = yamlDirectory({ 'domain.yaml': domain(expected) })
  const { code, out, err } = await commanded('domain', 'check', '-f', folder, ...more)
  return { code, out, err, lines: out.trimEnd().split('\n') }
}

describe.runIf(asRoot('port 53'))('domain check', () => {
  test('records that are in order have 100 points, with exit code 0', async () => {
    const { code, lines } = await run({ spf: { include: ['a.example'] }, dmarc: {} }, zone)
    expect(lines).toEqual([
      'SenderDomain mail/example (mail.example.org): 100 of 100 points',
      '  SPF     Match   TXT mail.example.org',
      '  DMARC   Match   TXT _dmarc.mail.example.org',
    ])
    expect(code).toBe(0)
  })

  test('for wrong records it prints what is wrong, what that costs, and what to publish as zone file and as form, with exit code 1', async () => {
    const long = Array.from({ length: 9 }, (_, i) => `a-long-name-for-a-provider-of-mail-${i}.example`)
    const { code, lines } = await run(
      { spf: { include: long }, dmarc: { minimumPolicy: 'reject' } },
      {
        ...zone,
        'TXT _dmarc.example.org': { answers: txt('_dmarc.example.org', 'v=DMARC1; p=none; rua=mailto:d@example.org') },
      },
    )
    const includes = long.map((name) => `include:${name}`).join(' ')
    const value = `v=spf1 ${includes} include:a.example -all`
    expect(lines).toEqual([
      'SenderDomain mail/example (mail.example.org): 30 of 100 points',
      '  SPF     Mismatch   TXT mail.example.org',
      '      is: v=spf1 include:a.example -all',
      '  DMARC   Mismatch   TXT _dmarc.mail.example.org',
      '      is: v=DMARC1; p=none; rua=mailto:d@example.org',
      `  -35 TXT mail.example.org: our mail does not pass it; add ${includes}`,
      '  -30 TXT _dmarc.mail.example.org: _dmarc.example.org says p=none; reject is the least that is expected',
      '  -5 TXT _dmarc.mail.example.org: p=none asks receivers to do nothing with forged mail',
      '  for a zone file:',
      `    mail.example.org. 3600 IN TXT "${value.slice(0, 255)}" "${value.slice(255)}"`,
      '    _dmarc.mail.example.org. 3600 IN TXT "v=DMARC1; p=reject"',
      '  for a form of the zone example.org (the value in one piece, without quotes):',
      `    host mail   type TXT   value ${value}`,
      '    host _dmarc.mail   type TXT   value v=DMARC1; p=reject',
    ])
    expect(code).toBe(1)
  })

  test('for delegated selectors it prints the two aliases of each algorithm before there is any key', async () => {
    await startZoneServer(zone, address, 53)
    const dns = { publisher: 'CNAME', targetZone: 'keys.example', resolvers: [address] }
    const spec = { domain: 'mail.example.org', environment: 'Production', dkim: { algorithms: ['ed25519'] }, dns }
    const folder = yamlDirectory({ 'domain.yaml': domain({}).replace(/spec: .*/, `spec: ${JSON.stringify(spec)}`) })
    const { code, out } = await commanded('domain', 'check', '-f', folder)
    const [first, second] = ['rf-prod-ed-1', 'rf-prod-ed-2']
    const target = 'mail.example.org._dkim.keys.example'
    expect(out.slice(out.indexOf('  for a zone')).trimEnd().split('\n')).toEqual([
      '  for a zone file:',
      `    ${first}._domainkey.mail.example.org. 3600 IN CNAME ${first}.${target}.`,
      `    ${second}._domainkey.mail.example.org. 3600 IN CNAME ${second}.${target}.`,
      '  for a form of the zone example.org (the value in one piece, without quotes):',
      `    host ${first}._domainkey.mail   type CNAME   value ${first}.${target}`,
      `    host ${second}._domainkey.mail   type CNAME   value ${second}.${target}`,
    ])
    expect(code).toBe(1)
  })

  test('where no server answers there is no verdict, with exit code 3', async () => {
    const failing = { ...zone, 'TXT mail.example.org': { code: 'SERVFAIL' } as const }
    const { code, out } = await run({ spf: {} }, failing)
    expect(out).toContain('SPF   Unknown   TXT mail.example.org')
    expect(out).toContain('name server ns1.example.org: SERVFAIL')
    expect(code).toBe(3)
  })

  test('-o json has the score, the state and what to publish', async () => {
    const { code, out } = await run({ spf: { include: ['b.example'] } }, zone, '-o', 'json', 'mail/example')
    expect(JSON.parse(out)).toMatchObject({
      domains: [
        {
          name: 'mail/example',
          domain: 'mail.example.org',
          score: { points: 65 },
          records: [
            {
              purpose: 'SPF',
              state: 'Mismatch',
              want: 'v=spf1 include:b.example include:a.example -all',
              got: 'v=spf1 include:a.example -all',
              zoneFile: 'mail.example.org. 3600 IN TXT "v=spf1 include:b.example include:a.example -all"',
              form: { host: 'mail', type: 'TXT', value: 'v=spf1 include:b.example include:a.example -all' },
            },
          ],
        },
      ],
    })
    expect(code).toBe(1)
  })
})

test('a misspelt name is answered with the near one, and a domain that expects no record is reported as such', async () => {
  const folder = yamlDirectory({ 'a.yaml': domain({}) })
  const check = (...more: readonly string[]) => commanded('domain', 'check', '-f', folder, ...more)
  expect(await check()).toMatchObject({
    code: 0,
    out: expect.stringContaining('no SenderDomain here expects any record'),
  })
  expect(await check('mail/exampel')).toMatchObject({
    code: 2,
    err: expect.stringContaining('did you mean mail/example?'),
  })
  expect(await check('-n', 'mail', 'example')).toMatchObject({
    code: 2,
    err: expect.stringContaining('expects no records'),
  })
  expect(await check('--context', 'x')).toMatchObject({ code: 2, err: expect.stringContaining('give one of the two') })
})

test('a Production domain without spec.dkim is told that its mail is not signed, and which field to set', async () => {
  const folder = yamlDirectory({ 'a.yaml': domain({}, null) })
  const { code, out } = await commanded('domain', 'check', '-f', folder)
  expect(code).toBe(0)
  const [title, reason, ...rest] = out.trimEnd().split('\n')
  expect(title).toBe('SenderDomain mail/example (mail.example.org): 65 of 100 points')
  expect(reason).toMatch(/^ {2}-35 mail from mail\.example\.org is not signed \(DKIM\), .*; set spec\.dkim to \{\}/)
  expect(rest).toEqual([])
  expect((await commanded('domain', 'check', '-f', folder, 'mail/example')).out).toBe(out)
})
