/** Each problem of a YAML text is reported at the line that a person has to change, and no value of a Secret is in any message. */
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { declaredFacts } from '../../operator/local/declared.ts'
import { joinReads, locate, readObjects } from '../../operator/local/objects.ts'
import { leastCpuMs } from '../cpu-time.ts'

const domain = (name: string, more = ''): string => `apiVersion: relayfleet.dev/v1alpha1
kind: SenderDomain
metadata: {name: ${name}, namespace: mail}
spec:
  domain: mail.example.org
  environment: Production
${more}`
const places = (text: string): readonly string[] =>
  readObjects(text, 'f.yaml').problems.map((p) => `${p.line}:${p.column} ${p.object ?? '-'} ${p.field ?? '-'}`)

describe('a problem is reported at', () => {
  test.each([
    [
      'the value of a wrong field',
      domain('a').replace('Production', 'Prod'),
      '6:16 SenderDomain mail/a spec.environment',
    ],
    ['an unknown field', domain('a', '  enviroment: x'), '7:15 SenderDomain mail/a spec.enviroment'],
    [
      'the key of the object that lacks a field',
      domain('a').replace('  domain: mail.example.org\n', ''),
      '4:1 SenderDomain mail/a spec.domain',
    ],
    [
      'an entry of a list',
      domain('a', '  localParts:\n  - ok\n  - "n o"'),
      '9:5 SenderDomain mail/a spec.localParts[1]',
    ],
    [
      'the key of an empty field',
      domain('a', '  allowedNamespaces:'),
      '7:3 SenderDomain mail/a spec.allowedNamespaces',
    ],
    ['the kind, where it is misspelt', domain('a').replace('SenderDomain', 'SenderDomian'), '2:7 - kind'],
    ['the apiVersion, where it is another', domain('a').replace('v1alpha1', 'v1'), '1:13 - apiVersion'],
    ['metadata, where the name is missing', domain('a').replace('name: a, ', ''), '3:1 - metadata.name'],
    ['the name, where Kubernetes allows no such name', domain('../a'), '3:18 - metadata.name'],
    [
      'the line in the file, where it is in the second document',
      `# first\n---\n${domain('a').replace('mail.ex', 'Mail.ex')}`,
      '7:11 SenderDomain mail/a spec.domain',
    ],
  ])('%s', (_name, text, expected) => {
    expect(places(text)).toEqual([expected])
  })
})

test.each([
  [
    'no',
    'must be text; YAML reads on, off, yes, no, true and false without quotes as a truth value: write the word in quotes',
  ],
  ['12', 'must be text; write it in quotes: "12"'],
  ['', 'name is missing; add it'],
  ['A', "\"A\" is not a name of lower-case letters, digits, '-' and '.' inside, at most 253 of them"],
  ['-a', "\"-a\" is not a name of lower-case letters, digits, '-' and '.' inside, at most 253 of them"],
])('the plain name %j is refused, with how to write it or what is wrong with it', (name, message) => {
  expect(readObjects(domain(name), 'f.yaml').problems).toMatchObject([{ field: 'metadata.name', message }])
})

test.each([
  'Kind: SenderDomain\napiVersion: relayfleet.dev/v1alpha1',
  'kind:',
  '- kind: SenderDomain',
  '{{ .Values.domain }}',
])('a document without a kind is reported, with the kinds that there are: %j', (text) => {
  const message = 'kind is missing; add it: RelayPolicy, SenderDomain, RelayCredential, Namespace, Secret, ConfigMap'
  expect(readObjects(text, 'f.yaml').problems).toMatchObject([{ field: 'kind', message }])
})

test('a file with text that is not YAML counts as unread, since any object may be in it', () => {
  const read = readObjects(`${domain('a')}---\nkind: [`, 'f.yaml')
  expect(read.unread).toEqual(['f.yaml'])
  expect(read.objects.map((o) => o.object)).toEqual(['SenderDomain mail/a'])
  expect(read.problems[0]?.line).toBeGreaterThanOrEqual(8)
})

test('a file with an object of an unknown kind counts as unread, and an object with a wrong field as invalid', () => {
  expect(readObjects(domain('a').replace('SenderDomain', 'SenderDomian'), 'f.yaml').unread).toEqual(['f.yaml'])
  const invalid = readObjects(domain('a', '  x: 1'), 'f.yaml')
  expect(invalid.unread).toEqual([])
  expect(declaredFacts(invalid.objects).invalid).toMatchObject([{ kind: 'SenderDomain', namespace: 'mail', name: 'a' }])
})

test.each([
  ['a Deployment', 'apps/v1', 'Deployment'],
  ['a Service', 'v1', 'Service'],
  ['a Kustomization', 'kustomize.config.k8s.io/v1beta1', 'Kustomization'],
])('%s beside our objects is ignored', (_name, apiVersion, kind) => {
  const read = readObjects(
    `apiVersion: ${apiVersion}\nkind: ${kind}\nmetadata: {name: web}\n---\n${domain('a')}`,
    'f.yaml',
  )
  expect(read).toMatchObject({ problems: [], unread: [], objects: [{ object: 'SenderDomain mail/a' }] })
})

test.each([
  '\n',
  '\n# the end',
  ' # the end\n# is here\n',
  '\n---\n',
  '\n---\nnull\n',
])('an empty document declares nothing, as for kubectl: ---%j', (rest) => {
  const read = readObjects(`${domain('a')}---${rest}`, 'f.yaml')
  expect(read).toMatchObject({ problems: [], unread: [], objects: [{ object: 'SenderDomain mail/a' }] })
})

test.each([
  ['another kind of our group', 'relayfleet.dev/v1alpha1', 'Deployment'],
  ['a kind near one of ours', 'v1', 'Secrets'],
  ['our kind in another group', 'relayflet.dev/v1alpha1', 'SenderDomain'],
  ['no kind at all', 'v1', '{}'],
])('%s is taken for a mistake, not ignored as an object of somebody else', (_name, apiVersion, kind) => {
  expect(readObjects(`apiVersion: ${apiVersion}\nkind: ${kind}\nmetadata: {name: web}`, 'f.yaml').unread).toEqual([
    'f.yaml',
  ])
})

test.each([
  ['  localParts: [office, *office]', 'spec.localParts[1]', 24],
  ['  dkim: {selectorPrefix: *office}', 'spec.dkim.selectorPrefix', 26],
])('an alias without an anchor is reported at its place: %s', (line, field, column) => {
  const { problems } = readObjects(`# first\n---\n${domain('a')}---\n${domain('b', line)}`, 'f.yaml')
  const message = 'this alias (*name) has no anchor; put text that begins with * in quotes'
  expect(problems).toMatchObject([{ line: 16, column, field, message }])
})

test.each([
  ['mail: yes', 'write the word in quotes'],
  ['mail: 007', 'write it in quotes: "007"'],
])('a Namespace with a label that is no text is reported and counts as unread, so that no consent ends: %s', (label, says) => {
  const text = `apiVersion: v1\nkind: Namespace\nmetadata:\n  name: team-a\n  labels: {${label}}\n`
  const read = readObjects(text, 'f.yaml')
  expect(read.problems).toMatchObject([
    { line: 5, object: 'Namespace team-a', field: 'metadata.labels.mail', message: expect.stringContaining(says) },
  ])
  expect(read).toMatchObject({ unread: ['f.yaml'], objects: [] })
})

test('a merge key gives the fields that it gives for kubectl, and a wrong field in it is reported', () => {
  const text = domain(
    'a',
    '  dkim: &d {selectorPrefix: rf, rotation: {every: 720h}}\n  dns: {<<: &e {publisher: Manual}}\n',
  )
  expect(readObjects(text, 'f.yaml').problems).toEqual([])
  expect(places(text.replace('Manual', 'Manuel'))).toEqual(['8:3 SenderDomain mail/a spec.dns.publisher'])
})

test('defaults are filled in, and an object without a namespace is in the namespace default', () => {
  const facts = declaredFacts(readObjects(domain('a').replace(', namespace: mail', ''), 'f.yaml').objects)
  expect(facts.domains).toMatchObject([
    { namespace: 'default', generation: 1, creationTimestamp: '', spec: { includeSubdomains: false, localParts: [] } },
  ])
})

test.each([
  ['an object twice in one text', [`${domain('a')}---\n${domain('a')}`]],
  ['an object in two texts', [domain('a'), domain('a')]],
])('%s is a problem, and the object counts as invalid, since either may be meant', (_name, texts) => {
  const read = joinReads(texts.map((text, i) => readObjects(text, `${i}.yaml`)))
  expect(read.problems.map((p) => p.message)).toEqual([expect.stringContaining('declared twice, first at 0.yaml:3')])
  expect(declaredFacts(read.objects)).toMatchObject({
    domains: [],
    invalid: [
      { name: 'a', problems: [expect.stringMatching(/^declared twice, at 0.yaml:3 and [01].yaml:[0-9]+; take/)] },
    ],
  })
})

test('text that is not YAML is reported once, by the first error of the parser', () => {
  const { problems } = readObjects('kind: A\n\tmetadata: {name: x\n- b: c\n d: [', 'f.yaml')
  expect(problems).toMatchObject([{ line: 2, message: expect.stringMatching(/^this is not well-formed YAML: Tabs/) }])
})

test('text that is nested deeper than can be read is reported as that', () => {
  const { problems, objects } = readObjects(domain('a', `  localParts: ${'['.repeat(50_000)}\n`), 'f.yaml')
  expect(problems.map((p) => `${p.line} ${p.message}`)).toEqual([
    '7 this is not well-formed YAML: it is nested too deeply to be read; write it with fewer levels',
  ])
  expect(objects).toEqual([])
})

test.each([
  ['a field', domain('a', '  environment: Production\n'), '7:3'],
  ['a field in quotes', domain('a', '  "environment": Production\n'), '7:3'],
  ['a field of an object in one line', domain('a').replace('{name: a', '{name: a, name: a'), '3:21'],
  ['an object behind which a line --- is missing', domain('a') + domain('b'), '7:1'],
  [
    'a key as a number and as a text',
    `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata:\n  1: a\n  "1": b\n`,
    '6:3',
  ],
])('%s twice is reported where it stands again, and the object is not read, since either may be meant', (_name, text, place) => {
  const { problems, objects } = readObjects(text, 'f.yaml')
  expect(problems.map((p) => `${p.line}:${p.column} ${p.message}`)).toEqual([
    `${place} this key is there twice in one object; take one of the two away, or put a line --- before the next object`,
  ])
  expect(objects).toEqual([])
})

test.each([
  ['1e6', '"1e6" is not a size in bytes, like 25Mi or 10Gi'],
  ['1_000_000', '"1_000_000" is not a size in bytes, like 25Mi or 10Gi'],
  ['1000000', 'must be text; write it in quotes: "1000000"'],
])('quotes are proposed for a number only where they make it valid: %s', (size, message) => {
  const spec = `{environment: NonProduction, listeners: [{name: a, port: 587}], admission: {limits: {messageSize: ${size}}}}`
  const text = `apiVersion: relayfleet.dev/v1alpha1\nkind: RelayPolicy\nmetadata: {name: a}\nspec: ${spec}\n`
  expect(readObjects(text, 'f.yaml').problems.map((p) => p.message)).toEqual([message])
})

test('a line %YAML, which kubectl does not read, is reported', () => {
  const { problems, objects } = readObjects(`%YAML 1.2\n---\n${domain('a')}`, 'f.yaml')
  expect(problems).toMatchObject([{ line: 2, message: expect.stringContaining('remove that line') }])
  expect(objects).toEqual([])
})

test('reading a Secret of 20,000 keys takes time in proportion to its length', () => {
  const keys = Array.from({ length: 20_000 }, (_, i) => `  k${i}: v`).join('\n')
  const secret = `apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData:\n${keys}\n`
  const tenth = `${secret.split('\n').slice(0, 2004).join('\n')}\n`
  const costs = [secret, tenth].map((text) => leastCpuMs(3, () => readObjects(text, 'f.yaml')))
  expect((costs[0] ?? 0) / (costs[1] ?? 1)).toBeLessThan(30)
})

test('of a Secret, the facts for compile have the keys alone, and the object that was read has the values', () => {
  const text =
    'apiVersion: v1\nkind: Secret\nmetadata: {name: s, namespace: mail}\ndata: {username: YXBw}\nstringData: {password: pw}'
  const read = readObjects(text, 'f.yaml')
  const [secret] = read.objects
  expect(declaredFacts(read.objects).secrets).toEqual(
    new Map([['mail/s', { type: 'Opaque', keys: ['password', 'username'] }]]),
  )
  const values = secret?.declares === 'keyed' ? secret.values : new Map()
  expect(Buffer.from(values.get('username') ?? '').toString()).toBe('app')
  expect(Buffer.from(values.get('password') ?? '').toString()).toBe('pw')
})

// No value of a Secret may be in any message, whatever is wrong with the Secret.
test.each([
  ['not base64', 'data: {password: "hunter2!"}'],
  ['a number', 'stringData: {password: 47110815}'],
  ['an alias', 'stringData: {password: *hunter2}'],
  ['a tag', 'stringData: {password: !hunter2 x}'],
  ['a tag that has no suffix', 'stringData: {password: !hunter2!}'],
  ['an unknown escape', 'stringData: {password: "C:\\Uhunter2x"}'],
  ['a broken quotation', 'stringData: {password: "\\hunter2"}'],
  ['a stray scalar', 'stringData: {password: "a"hunter2}'],
  ['a wrong indent', 'stringData:\n    password: a\n  hunter2: "hunter2"'],
  ['an unknown field', 'stringdata: {password: hunter2}'],
])('a Secret with %s is reported without its value (case A17)', (_name, rest) => {
  const read = readObjects(`apiVersion: v1\nkind: Secret\nmetadata: {name: s, namespace: mail}\n${rest}`, 'f.yaml')
  expect(read.problems.length).toBeGreaterThan(0)
  expect(JSON.stringify(read.problems)).not.toMatch(/hunter2|47110815/)
})

test('a field has its place in the file, or that of the nearest field above it', () => {
  const [object] = readObjects(domain('a', '  allowedNamespaces:\n    from: All'), 'f.yaml').objects
  if (object === undefined) throw new Error('no object')
  expect(locate(object, ['spec', 'domain'])).toEqual({ file: 'f.yaml', line: 5, column: 11 })
  expect(locate(object, ['spec', 'allowedNamespaces', 'from'])).toEqual({ file: 'f.yaml', line: 8, column: 11 })
  expect(locate(object, ['spec', 'allowedNamespaces', 'selector', 'matchLabels'])).toMatchObject({ line: 7, column: 3 })
  expect(locate(object, ['spec', 'localParts', 3])).toMatchObject({ line: 4, column: 1 })
})

test.each([
  'Off',
  'off',
  'No',
  'on',
  'y',
  'N',
])('a plain %s is a boolean, as for kubectl, and the message says to write it in quotes', (word) => {
  const text = `${domain('a')}\n  dkim: {mode: ${word}}\n`
  const [problem] = readObjects(text, 'f.yaml').problems
  expect(problem).toMatchObject({ object: 'SenderDomain mail/a', field: 'spec.dkim.mode' })
  expect(problem?.message).toContain('write the word in quotes')
  const quoted = readObjects(text.replace(`mode: ${word}`, `mode: "Off", signedBy: Smarthost`), 'f.yaml')
  expect(quoted.problems).toEqual([])
})

const listening = (port: string): string =>
  `apiVersion: relayfleet.dev/v1alpha1
kind: RelayPolicy
metadata: {name: shared, namespace: mail}
spec: {environment: NonProduction, listeners: [{name: submission, port: ${port}}]}
`

// The expected numbers are those that `kubectl label --local -o json` prints.
test.each([
  ['02525', 1365],
  ['0587', 587],
  ['2_525', 2525],
  ['0_17', 15],
  ['0o17', 15],
  ['0x1F', 31],
  ['1e3', 1000],
  ['2525.0', 2525],
  ['2_525.0', 2525],
])('a plain %s is the number %d, as for kubectl', (written, port) => {
  const { policies } = declaredFacts(readObjects(listening(written), 'f.yaml').objects)
  expect(policies).toMatchObject([{ spec: { listeners: [{ port }] } }])
})

test.each([
  ['007'],
  ['0x10'],
  ['1.10'],
  ['+1'],
  ['1_0'],
])('a plain %s where text is expected is refused, and the message shows it in quotes as it was written', (written) => {
  const mend = `must be text; write it in quotes: "${written}"`
  expect(readObjects(domain('a', `  localParts: [${written}]`), 'f.yaml').problems).toMatchObject([{ message: mend }])
  expect(readObjects(domain(written), 'f.yaml').problems).toMatchObject([{ field: 'metadata.name', message: mend }])
})

test('digits with _ between them are a number, as for kubectl, and refused where text is expected', () => {
  const { problems } = readObjects(domain('a', '  localParts: [2027_01]'), 'f.yaml')
  expect(problems).toMatchObject([{ field: 'spec.localParts[0]', message: expect.stringContaining('must be text') }])
})

test('braces of a template around a value are reported by their place, without what is in them', () => {
  const warned = vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined)
  onTestFinished(() => warned.mockRestore())
  const text = 'apiVersion: v1\nkind: Secret\nmetadata: {name: ses}\nstringData: {password: {{ hunter2 }}}\n'
  const { problems } = readObjects(text, 'a.yaml')
  expect(problems).toMatchObject([{ line: 4, field: 'stringData.password' }])
  expect(JSON.stringify([problems, warned.mock.calls])).not.toContain('hunter2')
})
