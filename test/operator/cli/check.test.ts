/** `check` prints each error of a folder at its line, in words that say what to change, and exits with 1 where there is one. */
import { readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { expect, test } from 'vitest'
import { makeCertificates } from '../../certificates.ts'
import { temporaryFolder } from '../../local/temporary.ts'
import { shownIn } from '../../shown-secret.ts'
import { configMap, credential, domain, policy, tlsSecret, yamlDirectory } from '../local/yaml.ts'
import { commanded } from './commanded.ts'

/** The messages that a person reads for each folder under broken/, written by hand. */
const messages: Readonly<Record<string, readonly string[]>> = {
  'catch-all-route-first': [
    'policy.yaml:8:3: error: RelayPolicy mail/shared spec.routes: ' +
      'the last route, and only the last, must have no match: it takes what no other route takes',
  ],
  'domain-claimed-twice': [
    'all.yaml:10:11: error: SenderDomain team-b/new spec.domain: example.org belongs to SenderDomain mail/old ' +
      '(example.org), which came first; take this one away, or ask the owner of that one',
  ],
  'domain-without-consent': [
    'all.yaml:23:3: error: RelayCredential team-a/web spec.senderDomainRefs: none of its SenderDomains can be used: ' +
      'SenderDomain mail/example-org does not admit namespace team-a; its owner has to change spec.allowedNamespaces',
  ],
  'environments-that-differ': [
    'all.yaml:24:3: error: RelayCredential team-a/web spec.senderDomainRefs: none of its SenderDomains can be used: ' +
      'SenderDomain mail/example-org is Production and RelayPolicy mail/shared is NonProduction; use a SenderDomain and a RelayPolicy of the same environment',
  ],
  'kind-that-is-misspelt': [
    'policy.yaml:2:7: error: kind: there is no kind "RelayPolicies" here; did you mean "RelayPolicy"?',
  ],
  'misspelt-field': [
    'policy.yaml:6:12: error: RelayPolicy mail/shared spec.replica: there is no field "replica"; did you mean "replicas"?',
  ],
  'nonproduction-to-everybody': [
    'policy.yaml:4:1: error: RelayPolicy mail/shared spec.routes: mail that is not captured needs a way out; add a route',
    'policy.yaml:9:11: error: RelayPolicy mail/shared spec.recipients.mode: ' +
      'NonProduction mail may not go to everybody; use AllowList, Redirect or Capture',
  ],
  'not-yaml': [
    'policy.yaml:9:4: error: this is not well-formed YAML: All sequence items must start at the same column',
  ],
  'object-declared-twice': [
    'b.yaml:3:18: error: SenderDomain mail/example-org metadata.name: SenderDomain mail/example-org is declared twice, ' +
      'first at DIR/a.yaml:3; take one of the two away',
  ],
  'one-port-for-two-fleets': [
    'all.yaml:16:11: error: RelayPolicy mail/zweite spec.listeners[0].port: ' +
      '127.0.0.1:2525 is taken on this machine by RelayPolicy mail/shared, which came first; choose another port',
  ],
  'password-without-tls': [
    'policy.yaml:8:3: error: RelayPolicy mail/shared spec.routes: ' +
      'authRef needs tls.mode StartTLS or Implicit: a password never crosses a connection without verified TLS',
  ],
  'policy-that-does-not-exist': [
    'all.yaml:13:3: error: RelayCredential team-a/web spec.policyRef: ' +
      'there is no RelayPolicy mail/sharde; correct spec.policyRef',
  ],
  'policy-without-consent': [
    'all.yaml:22:3: error: RelayCredential team-a/web spec.policyRef: RelayPolicy mail/shared does not admit ' +
      'namespace team-a; its owner has to change spec.admission.credentials.namespaces',
  ],
  'secret-that-is-missing': [
    'policy.yaml:13:7: error: RelayPolicy mail/shared spec.routes[0].smarthosts[0].authRef: ' +
      'there is no Secret mail/ses; create it with username, password',
  ],
  'text-for-a-number': [
    'policy.yaml:8:11: error: RelayPolicy mail/shared spec.listeners[0].port: ' +
      'must be a whole number; write it without quotes',
  ],
}

const broken = relative('', join(import.meta.dirname, 'broken'))
const check = (directory: string, ...more: readonly string[]) =>
  commanded('check', directory, '--state', join(temporaryFolder(), 'state'), ...more)

test('every folder under broken/ has its expected messages here', () => {
  expect(readdirSync(broken).toSorted()).toEqual(Object.keys(messages).toSorted())
})

test.each(Object.entries(messages))('the folder broken/%s gets its messages and exit code 1', async (name, lines) => {
  const directory = join(broken, name)
  const { code, out, err } = await check(directory)
  const found = out.trimEnd().split('\n')
  expect(found.slice(0, -1)).toEqual(lines.map((l) => join(directory, l.replaceAll('DIR', directory))))
  expect(found.at(-1)).toBe(lines.length === 1 ? '1 error' : `${lines.length} errors`)
  expect([code, err]).toEqual([1, ''])
})

test('the quickstart example has no errors', async () => {
  const { code, out } = await check('examples/quickstart')
  expect([code, out]).toEqual([0, 'no errors in 3 objects\n'])
})

test.each(['text', 'json'])('no value of a Secret in a broken folder is printed: -o %s', async (form) => {
  const folder = join(broken, 'password-without-tls')
  expect(readFileSync(join(folder, 'policy.yaml'), 'utf8')).toContain('password: s3cret}')
  const { out, err } = await check(folder, '-o', form)
  expect(out).toContain('RelayPolicy mail/shared')
  expect(shownIn(`${out}${err}`, ['s3cret'])).toEqual([])
})

test('-o json has the same finding as the text form', async () => {
  const { code, out } = await check(join(broken, 'misspelt-field'), '-o', 'json')
  expect(code).toBe(1)
  expect(JSON.parse(out)).toEqual({
    findings: [
      {
        file: join(broken, 'misspelt-field', 'policy.yaml'),
        line: 6,
        column: 12,
        severity: 'error',
        object: 'RelayPolicy mail/shared',
        field: 'spec.replica',
        message: 'there is no field "replica"; did you mean "replicas"?',
      },
    ],
  })
})

test('a folder without an object is an error', async () => {
  const directory = yamlDirectory({ 'README.md': policy('shared', 2525) })
  const { code, out } = await check(directory)
  expect(code).toBe(1)
  expect(out).toContain(`${directory}:1:1: error: there is no object in it`)
})

const team = { from: 'Selector', selector: { matchLabels: { 'kubernetes.io/metadata.name': 'team-a' } } }

test.each([
  ['a file that is not YAML', { 'more.yaml': 'kind: [', 'domain.yaml': domain({ allowedNamespaces: team }) }],
  ['a domain with an error', { 'domain.yaml': domain({ domian: 'example.org' }) }],
  ['a policy with an error', { 'policy.yaml': policy('shared', 2525, { prot: 25 }) }],
])('a credential whose state is unknown because of %s gets a warning, and only the cause an error', async (_, files) => {
  const sound = { 'policy.yaml': policy('shared', 2525), 'domain.yaml': domain() }
  const { code, out } = await check(yamlDirectory({ ...sound, 'web.yaml': credential('web', 'shared'), ...files }))
  expect(out).toMatch(/warning: RelayCredential team-a\/web /)
  expect(out).toMatch(/^1 error$/m)
  expect(code).toBe(1)
})

test('what may be meant, such as an unsigned domain, is a warning and no error', async () => {
  const spec = { environment: 'Production', allowedNamespaces: { from: 'All' } }
  const asks = { mode: 'Required', caRef: { name: 'clients' } }
  const listeners = [{ name: 'submission', port: 2525, clientCertificates: asks }]
  const routes = [{ name: 'default', smarthosts: [{ name: 'out', host: 'smtp.example.net' }] }]
  const clients = 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: clients, namespace: mail}\ndata: {ca.crt: x}\n'
  const objects = [
    policy('shared', 2525, { environment: 'Production', listeners, routes }),
    domain(spec),
    credential('app', 'shared', {
      identities: { addresses: ['app@example.org', 'app@exmaple.org'] },
      secretTemplate: { labels: { 'my team': 'web' } },
    }),
    clients,
  ]
  const { code, out } = await check(yamlDirectory({ 'all.yaml': objects.join('---\n') }))
  expect(out).toMatch(/warning: SenderDomain mail\/example-org spec\.dkim: mail from example\.org is not signed/)
  expect(out).toMatch(
    /warning: RelayCredential team-a\/app spec\.type: every listener of RelayPolicy mail\/shared requires/,
  )
  expect(out).toMatch(
    /warning: RelayCredential team-a\/app spec\.identities\.addresses: app@exmaple\.org: .* do not allow this; correct/,
  )
  expect(out).toMatch(
    /warning: RelayCredential team-a\/app spec\.secretTemplate\.labels: "my team": Kubernetes does not allow a label of that name/,
  )
  expect([code, out.trimEnd().split('\n').at(-1)]).toEqual([0, 'no errors in 4 objects'])
})

test('a certificate and authorities that no relay could use are warned of, by their objects and without their values (case T12)', async () => {
  const [one, another] = [await makeCertificates(['localhost']), await makeCertificates(['localhost'])]
  const listener = (name: string, port: number, tls: string) => ({
    ...{ name, port, tls: { certificateRef: { name: tls } } },
    clientCertificates: { mode: 'Optional', caRef: { name: `${tls}-clients` } },
  })
  const listeners = [listener('good', 2525, 'good'), listener('bad', 2526, 'bad')]
  const objects = [
    policy('shared', 2525, { listeners }),
    tlsSecret('good', { 'tls.crt': one.cert, 'tls.key': one.key }),
    tlsSecret('bad', { 'tls.crt': one.cert, 'tls.key': another.key }),
    configMap('good-clients', { 'ca.crt': one.ca }),
    configMap('bad-clients', { 'ca.crt': another.key }),
  ]
  const { code, out } = await check(yamlDirectory({ 'all.yaml': objects.join('---\n') }))
  const lines = out.trimEnd().split('\n')
  expect(lines.map((line) => line.replace(/^.*?: /, ''))).toEqual([
    "warning: Secret mail/bad: no relay can use this certificate: tls.key is not the key of the first certificate in tls.crt, which has to be the server's own; those that vouch for it follow",
    'warning: ConfigMap mail/bad-clients: no relay can use this authority: there is no certificate in it; put its certificates into ca.crt, in PEM',
    'no errors in 5 objects',
  ])
  expect(code).toBe(0)
})
