/** `explain` gives the verdict, the rule, its place and the mend for a submission, and says the same as the relay that runs answers. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { boundCredential } from '../../../operator/local/bound-credential.ts'
import { runLocal } from '../../../operator/local/local-mode.ts'
import { stateAt } from '../../../operator/local/state.ts'
import { readStatuses } from '../../../operator/local/status-file.ts'
import { submit } from '../../../operator/local/submit.ts'
import { freePort } from '../../local/free-port.ts'
import { until } from '../../local/until.ts'
import { credential, domain, policy, writeYaml } from '../local/yaml.ts'
import { commanded } from './commanded.ts'

/** One fleet for the whole file: what explain says is compared with what the relay of this fleet answers. */
const root = mkdtempSync(join(tmpdir(), 'relayfleet-explain-'))
const [directory, stateFolder] = [join(root, 'yaml'), join(root, 'state')]
const ending = new AbortController()
let running: Promise<void>

const second = domain({ domain: 'example.net' }).replace('name: example-org', 'name: example-net')
const both = [
  { name: 'example-org', namespace: 'mail' },
  { name: 'example-net', namespace: 'mail' },
]
beforeAll(async () => {
  const nowhere = { name: 'nowhere', host: '127.0.0.1', port: await freePort() }
  writeYaml(directory, {
    'policy.yaml': policy('shared', await freePort(), {
      recipients: { mode: 'AllowList', allow: { domains: ['allowed.example'] } },
      routes: [{ name: 'default', smarthosts: [nowhere] }],
      admission: {
        credentials: { namespaces: { from: 'All' } },
        limits: { recipientsPerMessage: 2, messageSize: '2k' },
      },
      senderRules: { alignment: { mode: 'Strict' }, nullReversePath: 'Deny' },
    }),
    'throttled.yaml': policy('throttled', await freePort(), {
      recipients: { mode: 'AllowList', allow: { domains: ['allowed.example'] } },
      routes: [{ name: 'default', smarthosts: [nowhere] }],
      admission: { credentials: { namespaces: { from: 'All' } } },
      throttles: [
        { name: 'per-app', scope: ['Credential'], rate: { count: 2, per: '1h' } },
        { name: 'watched', scope: ['Namespace'], rate: { count: 5, per: '1m' }, burst: 1, action: 'Audit' },
      ],
    }),
    'fast.yaml': credential('fast', 'throttled'),
    'domain.yaml': domain(),
    'second.yaml': second,
    'web.yaml': credential('web', 'shared', { senderDomainRefs: both }),
    'narrow.yaml': credential('narrow', 'shared', {
      identities: { addresses: ['only@example.org'] },
      recipients: { domains: ['partner.example'] },
    }),
    'suspended.yaml': credential('suspended', 'shared', { suspended: true }),
    'expired.yaml': credential('expired', 'shared', { expiresAt: '2020-01-01T00:00:00Z' }),
    'slow.yaml': credential('slow', 'shared', { limits: { rate: { count: 1, per: '1h' } } }),
    'spent.yaml': credential('spent', 'shared', { limits: { daily: 1 } }),
    'few.yaml': credential('few', 'shared', { limits: { daily: 1 } }),
    'elsewhere.yaml': credential('elsewhere', 'shared', { networks: { allow: ['198.51.100.0/24'] } }),
  })
  running = runLocal({ directory, state: stateFolder, tell: () => {}, signal: ending.signal })
  const { statusFile } = stateAt(stateFolder)
  const programmed = (): number =>
    [...readStatuses(statusFile)].filter(
      ([ref, { conditions }]) =>
        ref.startsWith('RelayCredential') && conditions.some((c) => c.type === 'Programmed' && c.status === 'True'),
    ).length
  await until('all credentials are programmed', () => programmed() === 9)
})
afterAll(async () => {
  ending.abort()
  await running
  rmSync(root, { recursive: true, force: true })
})

type Case = {
  readonly name: string
  readonly credential?: string
  readonly from?: string
  readonly to?: readonly string[]
  readonly header?: string
  readonly body?: string
  /** The rule by which explain and the relay refuse, or `accepted` for both. */
  readonly rule: string
  readonly place?: RegExp
}
const cases: readonly Case[] = [
  { name: 'a submission that is allowed', rule: 'accepted' },
  { name: 'a foreign reverse-path (case M01)', from: 'ceo@other.example', rule: 'senderRules.envelopeFrom' },
  {
    name: 'a domain that only ends like an allowed one (case M28)',
    from: 'a@evilexample.org',
    rule: 'senderRules.envelopeFrom',
  },
  { name: 'the null reverse-path', from: '', rule: 'senderRules.nullReversePath' },
  { name: 'a foreign From (case M02)', header: 'From: <ceo@other.example>', rule: 'senderRules.headerFrom' },
  { name: 'no From (case M03)', header: 'Subject: x', rule: 'always.headers' },
  {
    name: 'two Froms (case M04)',
    header: 'From: <app@example.org>\r\nFrom: <ceo@other.example>',
    rule: 'always.headers',
  },
  {
    name: 'another address as display name (case M16)',
    header: 'From: "ceo@other.example" <app@example.org>',
    rule: 'senderRules.headerFrom.displayNameAddress',
  },
  {
    name: 'reverse-path and From in two domains of one credential',
    header: 'From: <app@example.net>',
    rule: 'senderRules.alignment',
    place: /policy\.yaml:\d+:\d+$/,
  },
  {
    name: 'a recipient that the policy does not allow',
    to: ['you@elsewhere.example'],
    rule: 'recipients.allow',
    place: /policy\.yaml:\d+:\d+$/,
  },
  { name: 'a local part beyond ASCII', from: 'jörg@example.org', rule: 'accepted' },
  {
    name: 'a recipient beyond ASCII that the policy does not allow',
    to: ['jörg@elsewhere.example'],
    rule: 'recipients.allow',
  },
  { name: 'a NUL in the body (case P05)', body: 'a\0b', rule: 'always.nul' },
  {
    name: 'a recipient that is named twice',
    to: ['a@allowed.example', 'b@allowed.example', '"a"@ALLOWED.example'],
    rule: 'accepted',
  },
  { name: 'a recipient that is no address', to: ['nonsense'], rule: 'always.syntax' },
  {
    name: 'one recipient too many',
    to: ['a@allowed.example', 'b@allowed.example', 'c@allowed.example'],
    rule: 'admission.limits.recipientsPerMessage',
  },
  {
    name: 'a message that is too large',
    header: `From: <app@example.org>\r\nX-Long: ${'x '.repeat(1500).replaceAll(/.{70}/g, '$&\r\n ')}y`,
    rule: 'admission.limits.messageSize',
  },
  {
    name: 'an address that the credential does not name',
    credential: 'narrow',
    to: ['you@allowed.example'],
    rule: 'senderRules.envelopeFrom',
  },
  {
    name: 'a recipient that the credential does not name',
    credential: 'narrow',
    from: 'only@example.org',
    to: ['you@allowed.example'],
    rule: 'credential.recipients',
    place: /narrow\.yaml:\d+:\d+$/,
  },
  { name: 'a suspended credential', credential: 'suspended', rule: 'credential.suspended', place: /suspended\.yaml:/ },
  { name: 'an expired credential', credential: 'expired', rule: 'credential.expiresAt', place: /expired\.yaml:/ },
  {
    name: 'more recipients than its rate gives at once',
    credential: 'slow',
    to: ['a@allowed.example', 'b@allowed.example'],
    rule: 'credential.limits.rate',
    place: /slow\.yaml:\d+:\d+$/,
  },
  {
    name: 'more recipients than a throttle of the policy gives at once',
    credential: 'fast',
    to: ['a@allowed.example', 'b@allowed.example', 'c@allowed.example'],
    rule: 'throttles',
    place: /throttled\.yaml:\d+:\d+$/,
  },
  { name: 'the last recipient of a daily limit', credential: 'spent', rule: 'accepted' },
  {
    name: 'a client in a network that the credential does not allow',
    credential: 'elsewhere',
    rule: 'credential.networks',
    place: /elsewhere\.yaml:/,
  },
]

test.each(cases)('explain and the relay give the same verdict: $name', async (c) => {
  const { credential: name = 'web', from = 'app@example.org', to = ['you@allowed.example'] } = c
  const content = `${c.header ?? `From: <${from}>`}\r\n\r\n${c.body ?? 'body'}\r\n`
  const file = join(root, 'message.eml')
  writeFileSync(file, content)
  const { code, out } = await commanded(
    ...['explain', directory, '--credential', `team-a/${name}`, '--from', from === '' ? '<>' : from],
    ...to.flatMap((t) => ['--to', t]),
    ...['--message', file, '--client', '127.0.0.1', '--state', stateFolder, '-o', 'json'],
  )
  const explained = JSON.parse(out)
  expect(explained.rule ?? explained.verdict).toBe(c.rule)
  expect(code).toBe(c.rule === 'accepted' ? 0 : 1)
  if (c.place) expect(`${explained.file}:${explained.line}:${explained.column}`).toMatch(c.place)

  const { secret } = boundCredential(stateAt(stateFolder), `team-a/${name}`)
  const submission = await submit(secret, { reversePath: from, forwardPaths: to, content }, () => {})
  const refusals = submission.kind === 'accepted' ? submission.refused : [(submission as { reply: string }).reply]
  expect(refusals).toEqual(c.rule === 'accepted' ? [] : [explained.reply])
})

test('a bare LF in the message file is refused, as the relay does, though an SMTP library would have mended it', async () => {
  const file = join(root, 'bare.eml')
  writeFileSync(file, 'From: <app@example.org>\r\n\r\na\nb\r\n')
  const submission = ['--credential', 'team-a/web', '--from', 'app@example.org', '--to', 'you@allowed.example']
  const { out } = await commanded('explain', directory, ...submission, '--message', file, '-o', 'json')
  expect(JSON.parse(out)).toMatchObject({
    rule: 'listeners.bareNewlines',
    file: expect.stringMatching(/policy\.yaml$/),
  })
})

test('a message file without a final line end is accepted, since an SMTP client ends the line', async () => {
  const file = join(root, 'endless.eml')
  writeFileSync(file, 'Subject: x\nFrom: <app@example.org>')
  const submission = ['--credential', 'team-a/web', '--from', 'app@example.org', '--to', 'you@allowed.example']
  const { out } = await commanded('explain', directory, ...submission, '--message', file, '-o', 'json')
  expect(JSON.parse(out)).toMatchObject({ verdict: 'accepted' })
})

test('what is left of a daily limit is taken from the status, and a used-up limit is a refusal', async () => {
  const submission = ['--credential', 'team-a/few', '--from', 'app@example.org', '--to', 'you@allowed.example']
  const { secret } = boundCredential(stateAt(stateFolder), 'team-a/few')
  const content = 'From: <app@example.org>\r\n\r\nbody\r\n'
  const sent = (to: string) => submit(secret, { reversePath: 'app@example.org', forwardPaths: [to], content }, () => {})
  expect(await sent('you@allowed.example')).toMatchObject({ kind: 'accepted' })
  const ask = async (): Promise<{ rule?: string; reply: string; limits: object }> =>
    JSON.parse((await commanded('explain', directory, ...submission, '--state', stateFolder, '-o', 'json')).out)
  await until("the day's quota is known to be used up", async () => (await ask()).rule === 'credential.limits.daily')
  const { reply, limits } = await ask()
  expect(limits).toEqual({ daily: 1, remaining: 0 })
  expect(reply).toMatch(/^450 4\.7\.1 at most 1 recipient a day, none left; come back in \d+ (s|min|h), at 00:00 UTC/)
  const { out } = await commanded('explain', directory, ...submission, '--state', stateFolder)
  expect(out).toContain('  limits 1 recipients a day, at most 0 left today')

  // Also where the recipient would be refused: a relay says it at MAIL.
  const elsewhere = [...submission.slice(0, -1), 'you@elsewhere.example', '--state', stateFolder]
  const explained = JSON.parse((await commanded('explain', directory, ...elsewhere, '-o', 'json')).out)
  expect(explained.steps.at(-1)).toMatchObject({ stage: 'mail', rule: 'credential.limits.daily' })
  expect(await sent('you@elsewhere.example')).toMatchObject({
    reply: expect.stringContaining('(credential.limits.daily)'),
  })
})

test('the throttles of the policy are listed, and a throttle in Audit tells what it would refuse', async () => {
  const recipients = ['--to', 'a@allowed.example', '--to', 'b@allowed.example']
  const submission = ['--credential', 'team-a/fast', '--from', 'app@example.org', ...recipients]
  const { out } = await commanded('explain', directory, ...submission)
  const lines = out.split('\n')
  expect(lines).toContain('  throttle per-app: 2 recipients per 60 min for each Credential, 2 at once')
  expect(lines).toContain('  throttle watched: 5 recipients per 60 s for each Namespace, 1 at once (Audit)')
  expect(lines).toContain('Audit    Enforce would refuse this (throttles)')
  const { throttles, steps } = JSON.parse((await commanded('explain', directory, ...submission, '-o', 'json')).out)
  expect(throttles).toMatchObject([{ name: 'per-app', burst: 2, action: 'Reject' }, { name: 'watched' }])
  expect(steps).toContainEqual({ stage: 'data', says: '2 recipients', audited: ['throttles'] })
  // A relay only counts what it takes, so a message that its header keeps out gets no audit line from a throttle.
  const foreign = ['--header-from', 'ceo@other.example']
  const refused = await commanded('explain', directory, ...submission, ...foreign, '-o', 'json')
  const { rule, steps: last } = JSON.parse(refused.out)
  expect(rule).toBe('senderRules.headerFrom')
  expect(last.flatMap(({ audited }: { readonly audited: readonly string[] }) => audited)).toEqual([])
})

test('the text form has the dialog, the verdict, the rule, its place, the mend, and what the credential may do', async () => {
  const submission = ['--from', 'ceo@other.example', '--to', 'you@allowed.example']
  const { out } = await commanded('explain', directory, '--credential', 'team-a/narrow', ...submission)
  expect(out.split('\n').slice(0, -1)).toEqual([
    'ok       connect (networks not judged: no --client)',
    'ok       AUTH as narrow.team-a',
    'refused  MAIL FROM:<ceo@other.example>  →  550 5.7.1 this credential may not send as this reverse-path (senderRules.envelopeFrom)',
    '',
    'REFUSED  550 5.7.1 this credential may not send as this reverse-path (senderRules.envelopeFrom)',
    '  rule   senderRules.envelopeFrom (spec.senderRules.envelopeFrom of RelayPolicy mail/shared)',
    expect.stringMatching(/^ {2}place {2}.*policy\.yaml:\d+:\d+ \(not written there: its default is in force\)$/),
    expect.stringMatching(/^ {2}mend {3}use a reverse-path in the credential's domains/),
    expect.stringMatching(
      /^ {2}may {4}anything@example\.org \(SenderDomain mail\/example-org, .*domain\.yaml:\d+:\d+\)$/,
    ),
    expect.stringMatching(/^ {2}only {3}only@example\.org \(.*narrow\.yaml:\d+:\d+\)$/),
  ])
})

test('for each recipient that is accepted, the route and its next hop are told', async () => {
  const direct = join(root, 'direct')
  const match = { recipientDomains: ['partner.example'] }
  const host = 'smtp.partner.example'
  writeYaml(direct, {
    'policy.yaml': policy('shared', 2525, {
      hostname: 'relay.example.org',
      recipients: { mode: 'AllowList', allow: { domains: ['world.example', 'partner.example'] } },
      routes: [
        {
          name: 'partner',
          match,
          smarthosts: [
            { name: 'one', host },
            { name: 'two', host },
          ],
        },
        { name: 'world', type: 'MX' },
      ],
      admission: { credentials: { namespaces: { from: 'All' } } },
    }),
    'domain.yaml': domain(),
    'web.yaml': credential('web', 'shared'),
  })
  const submission = ['--credential', 'team-a/web', '--from', 'a@example.org', '--state', join(root, 'none')]
  const to = ['--to', 'b@World.example', '--to', 'c@partner.example', '--to', 'nonsense', '--to', '"b"@world.example']
  const { out } = await commanded('explain', direct, ...submission, ...to)
  expect(out.split('\n').filter((line) => line.startsWith('  to '))).toEqual([
    '  to     b@World.example by route world, directly to the exchangers (MX) of world.example',
    '  to     c@partner.example by route partner, to smarthosts one, two',
  ])
  const { out: json } = await commanded('explain', direct, ...submission, '--to', 'b@world.example', '-o', 'json')
  expect(JSON.parse(json).routes).toEqual([
    { forwardPath: 'b@world.example', route: 'world', type: 'MX', domain: 'world.example' },
  ])
})

test('a credential without consent is refused, with its conditions as the reason', async () => {
  const lonely = join(root, 'lonely')
  writeYaml(lonely, {
    'policy.yaml': policy('shared', 2525, { admission: {} }),
    'domain.yaml': domain(),
    'web.yaml': credential('web', 'shared'),
  })
  const submission = ['--credential', 'team-a/web', '--from', 'a@example.org', '--to', 'b@allowed.example']
  const { code, out } = await commanded('explain', lonely, ...submission, '--state', join(root, 'none'))
  expect(code).toBe(1)
  expect(out).toContain('REFUSED  no relay knows RelayCredential team-a/web')
  expect(out).toContain('NotAllowedByPolicy: RelayPolicy mail/shared does not admit namespace team-a')
  const asJson = await commanded('explain', lonely, ...submission, '--state', join(root, 'none'), '-o', 'json')
  expect(asJson.code).toBe(1)
  expect(JSON.parse(asJson.out)).toMatchObject({
    verdict: 'refused',
    why: 'no relay knows RelayCredential team-a/web, so it can not log in',
    conditions: [{ type: 'Accepted', reason: 'NotAllowedByPolicy' }, { type: 'Programmed' }],
  })
})

/** A submission to a policy that has an error. */
function toMistaken(): readonly string[] {
  const mistaken = join(root, 'mistaken')
  writeYaml(mistaken, {
    'policy.yaml': policy('shared', 2525, { replicas: -1 }),
    'domain.yaml': domain(),
    'web.yaml': credential('web', 'shared'),
  })
  return [mistaken, '--credential', 'team-a/web', '--from', 'a@example.org', '--to', 'b@allowed.example']
}

test('a credential whose policy has an error and never ran is refused, with that error as the reason', async () => {
  const { code, out } = await commanded('explain', ...toMistaken(), '--state', join(root, 'none'))
  expect([code, out.split('\n').slice(1, 3)]).toEqual([
    1,
    [
      expect.stringMatching(/^ {2}PolicyUnknown: RelayPolicy mail\/shared has an error/),
      expect.stringMatching(/^ {2}NotUsable: .*see Accepted$/),
    ],
  ])
})

test('an answer by what relays keep, since their policy has an error, says so', async () => {
  const { code, out } = await commanded('explain', ...toMistaken(), '--state', stateFolder, '-o', 'json')
  expect([code, JSON.parse(out)]).toMatchObject([
    0,
    {
      verdict: 'accepted',
      notes: [expect.stringMatching(/^RelayCredential team-a\/web: RelayPolicy mail\/shared has an error/)],
    },
  ])
})
