/** The chart as helm renders it checks its values strictly, gives few rights, and has the CRDs exactly as they are printed. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { kinds } from '../../crds/kinds.ts'
import { chartFileOf, fileOf } from '../../crds/print.ts'
import { grafanaJson } from '../../monitoring/dashboards/dashboard.ts'
import { dashboards, rulesFile, runbooks } from '../../monitoring/print.ts'
import type { KubeObject } from '../cluster/api.ts'
import { temporaryFolder } from '../local/temporary.ts'
import { chart, helmInstalled, release, rendered, runHelm, type Values } from './helm.ts'

test.each(
  kinds.map((kind) => [kind.plural, kind] as const),
)('the chart has the CRD of %s as it is printed', (_plural, kind) => {
  expect(readFileSync(chartFileOf(kind), 'utf8'), 'npm run crds').toBe(readFileSync(fileOf(kind), 'utf8'))
})

type Rule = { readonly apiGroups: string[]; readonly resources: string[]; readonly verbs: string[] }
const digest = `sha256:${'a'.repeat(64)}`
const ofKind = (objects: readonly KubeObject[], kind: string) => objects.filter((o) => o.kind === kind)
const rulesOf = (role: KubeObject): readonly Rule[] => role['rules'] as Rule[]

type Pod = {
  readonly spec: { readonly containers: readonly { image: string; args: readonly string[] }[] }
}
const podOf = (objects: readonly KubeObject[]): Pod => {
  const [deployment] = ofKind(objects, 'Deployment')
  return (deployment?.['spec'] as { template: Pod }).template
}

describe.runIf(helmInstalled())('helm', () => {
  test('lints the chart without a complaint', () => {
    const { status, stdout, stderr } = runHelm(['lint', '--strict', chart])
    expect(status, stdout + stderr).toBe(0)
  })

  test.each<[string, Values, RegExp]>([
    ['an unknown value', { replica: 2 }, /additional properties 'replica' not allowed/],
    ['an unknown value within another', { image: { repo: 'x' } }, /additional properties 'repo' not allowed/],
    ['a digest that is a tag', { image: { digest: 'latest' } }, /at '\/image\/digest'/],
    ['zero replicas', { replicas: 0 }, /at '\/replicas'/],
    ['a privileged port', { metrics: { port: 80 } }, /at '\/metrics\/port'/],
    ['a pattern for a namespace', { watchNamespaces: ['team-*'] }, /at '\/watchNamespaces\/0'/],
    ['a text in place of the list of namespaces', { watchNamespaces: 'mail' }, /at '\/watchNamespaces'/],
    [
      'a namespace with a capital letter',
      { watchNamespaces: ['Mail'] },
      /at '\/watchNamespaces\/0'.*does not match pattern/,
    ],
    ['a namespace twice', { watchNamespaces: ['mail', 'mail'] }, /at '\/watchNamespaces'/],
    ['an image with its digest in the name', { image: { repository: 'a@sha256:0' } }, /at '\/image\/repository'/],
    ['an image with its tag in the name', { image: { repository: 'r.test:5000/a:1' } }, /at '\/image\/repository'/],
    ['fifty replicas, of which all but one would only wait', { replicas: 50 }, /at '\/replicas'/],
    ['a word in place of the fields of the admission policy', { admissionPolicy: 'off' }, /at '\/admissionPolicy'/],
    [
      'an admission policy without a value for enabled',
      { admissionPolicy: { enabled: null } },
      /missing property 'enabled'/,
    ],
    ['CRDs without a value for keep', { crds: { keep: null } }, /missing property 'keep'/],
    ['replicas without a value', { replicas: null }, /missing property 'replicas'/],
    [
      'a word as the switch of the alerts',
      { monitoring: { alerts: { enabled: 'on' } } },
      /at '\/monitoring\/alerts\/enabled'/,
    ],
    [
      'a runbook address that is no URL',
      { monitoring: { alerts: { runbooks: 'wiki' } } },
      /at '\/monitoring\/alerts\/runbooks'/,
    ],
    ['a metrics port without a value', { metrics: { port: null } }, /missing property 'port'/],
    ['parts that have no value', { crds: null, dns: null }, /missing properties 'crds', 'dns'/],
    ['a word as the switch that keeps the CRDs', { crds: { keep: 'yes' } }, /at '\/crds\/keep'/],
  ])('refuses %s and says where', (_name, values, message) => {
    expect(() => rendered(values)).toThrow(message)
  })

  test.each(['a', 'localhost:5000/a', 'r.test/a/b'])('the repository of the image may be %s', (repository) => {
    expect(podOf(rendered({ image: { repository, tag: '1' } })).spec.containers[0]?.image).toBe(`${repository}:1`)
  })

  test('the CRDs are kept on uninstall, removed with it or left out, as the values say, and otherwise are as printed', () => {
    const keep = { 'helm.sh/resource-policy': 'keep' }
    for (const kept of [true, false]) {
      const crds = ofKind(rendered({ crds: { keep: kept } }), 'CustomResourceDefinition')
      const printed = kinds.map((kind) => parse(readFileSync(fileOf(kind), 'utf8')) as KubeObject)
      const expected = kept ? printed.map((p) => ({ ...p, metadata: { ...p.metadata, annotations: keep } })) : printed
      expect(crds).toHaveLength(kinds.length)
      expect(crds).toEqual(expect.arrayContaining(expected))
    }
    expect(ofKind(rendered({ crds: { enabled: false } }), 'CustomResourceDefinition')).toEqual([])
  })

  test('renders PodMonitor, alerts and dashboards only where the values ask for them', () => {
    const kindsOf = (values: Values) => new Set(rendered(values).map(({ kind }) => kind))
    for (const kind of ['PodMonitor', 'PrometheusRule', 'ConfigMap']) expect(kindsOf({})).not.toContain(kind)
    const labels = { release: 'prometheus' }
    const monitoring = {
      podMonitor: { enabled: true, labels },
      alerts: { enabled: true, labels, runbooks: 'https://wiki.example.org/relayfleet' },
      dashboards: { enabled: true, annotations: { grafana_folder: 'Mail' } },
    }
    const objects = rendered({ monitoring })
    const [rule] = ofKind(objects, 'PrometheusRule')
    expect(rule).toMatchObject({ metadata: { labels } })
    const asPrinted = readFileSync(rulesFile, 'utf8').replaceAll(runbooks, monitoring.alerts.runbooks)
    expect(rule?.['spec']).toEqual(parse(asPrinted))
    const [monitor] = ofKind(objects, 'PodMonitor')
    const pod = podOf(objects) as unknown as { metadata: { labels: Record<string, string> } }
    const { selector } = monitor?.['spec'] as { selector: { matchLabels: Record<string, string> } }
    expect(pod.metadata.labels).toMatchObject(selector.matchLabels)
    const maps = ofKind(objects, 'ConfigMap')
    expect(maps.map(({ metadata }) => metadata['labels'])).toEqual(
      dashboards.map(() => expect.objectContaining({ grafana_dashboard: '1' })),
    )
    const texts = maps.flatMap((map) => Object.values(map['data'] as Record<string, string>))
    expect(texts.toSorted()).toEqual(dashboards.map(grafanaJson).toSorted())
  })

  test.each([
    ['all namespaces', {}],
    ['two namespaces', { watchNamespaces: ['mail', 'team-a'] }],
  ])('the rights for %s have no wildcard, no escalation and nothing that the operator does not need (case K39)', (_name, values) => {
    const roles = rendered(values).filter(({ kind }) => /Role$/.test(kind))
    const rules = roles.flatMap(rulesOf)
    expect(rules.length).toBeGreaterThan(5)
    expect(rules.flatMap((r) => [...r.apiGroups, ...r.resources, ...r.verbs])).not.toContain('*')
    const verbs = new Set(rules.flatMap((r) => r.verbs))
    for (const verb of ['escalate', 'bind', 'impersonate', 'deletecollection']) expect(verbs).not.toContain(verb)
    const resources = rules.flatMap((r) => r.resources)
    for (const resource of ['pods/exec', 'nodes', 'clusterroles', 'serviceaccounts/token'])
      expect(resources).not.toContain(resource)
  })

  test.each([
    ['all namespaces', {}],
    ['two namespaces', { watchNamespaces: ['mail', 'team-a'] }],
  ])('the rights for %s do not let the operator read a Secret or list ConfigMaps (case K39)', (_name, values) => {
    const rules = rendered(values)
      .filter(({ kind }) => /Role$/.test(kind))
      .flatMap(rulesOf)
    const verbsOn = (resource: string) =>
      new Set(rules.filter((r) => r.resources.includes(resource)).flatMap((r) => r.verbs))
    expect(verbsOn('secrets')).toEqual(new Set(['create', 'patch', 'delete']))
    expect(verbsOn('configmaps')).toEqual(new Set(['get', 'create', 'patch']))
    expect(verbsOn('namespaces')).toEqual(new Set('watchNamespaces' in values ? ['get'] : ['list', 'watch']))
    expect(verbsOn('pods')).toEqual(new Set(['list', 'watch', 'patch']))
    expect(verbsOn('relaypolicies')).toEqual(new Set(['list', 'watch', 'patch']))
  })

  test('the table in the README of the chart has each right on objects of other kinds than ours, with its verbs (case K39)', () => {
    const rows = readFileSync(join(chart, 'README.md'), 'utf8')
      .split('\n')
      .filter((line) => line.startsWith('| `'))
      .map((line) => line.split(' | ')[0] ?? '')
    const told = (resource: string, verb: string): boolean =>
      rows.some(
        (row) =>
          row
            .toLowerCase()
            .split(/[^a-z]+/)
            .includes(resource) && row.includes(`\`${verb}\``),
      )
    const rights = ofKind(rendered({}), 'ClusterRole')
      .flatMap(rulesOf)
      .filter(({ apiGroups }) => !apiGroups.includes('relayfleet.dev'))
      .flatMap(({ resources, verbs }) => resources.flatMap((r) => verbs.map((verb) => [r, verb] as const)))
    expect(rights.filter(([resource, verb]) => !told(resource, verb))).toEqual([])
  })

  test('the admission policy asks for our label on every kind of object that the operator may create, change or delete (case K39)', () => {
    const objects = rendered({})
    const written = ofKind(objects, 'ClusterRole')
      .flatMap(rulesOf)
      .filter(({ verbs }) => ['create', 'patch', 'delete'].some((verb) => verbs.includes(verb)))
      .flatMap(({ apiGroups, resources }) => resources.map((resource) => `${apiGroups[0]} ${resource}`))
    const [own] = ofKind(objects, 'ValidatingAdmissionPolicy')
    const { matchConstraints } = own?.['spec'] as { matchConstraints: { resourceRules: readonly Rule[] } }
    const asked = matchConstraints.resourceRules.flatMap(({ apiGroups, resources }) =>
      resources.map((resource) => `${apiGroups[0]} ${resource}`),
    )
    // Our own kinds have rules of their own, and an Event is about an object of somebody else.
    const others = written.filter((what) => !/^relayfleet[.]dev |^events[.]k8s[.]io /.test(what))
    expect(asked.toSorted()).toEqual(others.toSorted())
  })

  test('in its own namespace the operator may use only its Lease and the Secret of its authority, by name', () => {
    const own = ofKind(rendered({ watchNamespaces: ['mail'] }), 'Role').filter(
      ({ metadata }) => metadata.namespace === 'relayfleet-system',
    )
    expect(own.flatMap(rulesOf)).toEqual([
      { apiGroups: ['coordination.k8s.io'], resources: ['leases'], verbs: ['create'] },
      {
        apiGroups: ['coordination.k8s.io'],
        resources: ['leases'],
        resourceNames: ['relayfleet'],
        verbs: ['get', 'update'],
      },
      { apiGroups: [''], resources: ['secrets'], resourceNames: ['relayfleet-ca'], verbs: ['create', 'patch'] },
    ])
  })

  test('two releases in one namespace have the same Role, so that Helm refuses the second: they would share one Lease', () => {
    const named = (name: string): readonly string[] => {
      const { stdout } = runHelm(['template', name, chart, '--namespace', 'mail-system'], { crds: { enabled: false } })
      return (stdout.match(/^kind: Role$\n^metadata:$\n^ {2}name: .*$/gm) ?? []).toSorted()
    }
    expect(named('one').length).toBeGreaterThan(0)
    expect(named('one')).toEqual(named('two'))
  })

  test.each([
    ['all namespaces', []],
    ['one namespace', ['mail']],
  ])('two releases that watch %s have the same role, so that Helm refuses the second: each would undo what the other writes', (_what, watched) => {
    const rights = (name: string, namespace: string): readonly string[] => {
      const values = { crds: { enabled: false }, watchNamespaces: watched }
      const { stdout } = runHelm(['template', name, chart, '--namespace', namespace], values)
      const roles = stdout.match(/^kind: (Cluster)?Role$\n^metadata:$\n^ {2}name: .*$(\n {2}namespace: .*$)?/gm) ?? []
      return roles.filter((role) => !role.includes(namespace)).toSorted()
    }
    expect(rights('one', 'mail-system')).toHaveLength(1)
    expect(rights('one', 'mail-system')).toEqual(rights('two', 'other-system'))
  })

  test('names that YAML would read as numbers or booleans are rendered as text', () => {
    const watched = { watchNamespaces: ['456', 'true'], serviceAccount: { name: '789' } }
    const values = { ...watched, image: { pullSecrets: ['111'] }, priorityClassName: '222', crds: { enabled: false } }
    const { stdout } = runHelm(['template', '999', chart, '--namespace', '123'], values)
    const notText: string[] = []
    const look = (value: unknown, path: string): void => {
      const isName = /(name|namespace|instance|ClassName|AccountName)$/.test(path)
      if (isName && value !== undefined && typeof value !== 'object' && typeof value !== 'string') notText.push(path)
      if (typeof value === 'object') for (const [key, one] of Object.entries(value ?? {})) look(one, `${path}/${key}`)
    }
    const objects = stdout.split(/^---$/m).map((text) => parse(text) as KubeObject | null)
    for (const object of objects) look(object, object?.kind ?? '')
    expect(objects.length).toBeGreaterThan(5)
    expect(notText).toEqual([])
  })

  test.each([
    `${'a'.repeat(39)}.b`,
    `relayfleet-${'a'.repeat(27)}--b`,
  ])('objects have names that Kubernetes takes, wherever that of the release is cut: %s', (name) => {
    const { stdout } = runHelm(['template', name, chart, '--namespace', 'mail-system'], { crds: { enabled: false } })
    const names = [...stdout.matchAll(/^metadata:\n {2}name: "?([^"\n]*)/gm)].map(([, its = '']) => its)
    expect(names.length).toBeGreaterThan(5)
    expect(
      names.filter((its) => !/^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/.test(its)),
    ).toEqual([])
  })

  test('a version with build metadata, which a registry of charts takes, is a label value', () => {
    const folder = temporaryFolder()
    const version = '0.1.0+7'
    runHelm(['package', chart, '--version', version, '--app-version', version, '--destination', folder])
    const values = { crds: { enabled: false }, image: { tag: '0.1.0' } }
    const { stdout } = runHelm(['template', release, join(folder, `relayfleet-${version}.tgz`)], values)
    expect(stdout).toContain('helm.sh/chart: relayfleet-0.1.0_7\n')
    expect(stdout).toContain('app.kubernetes.io/version: "0.1.0_7"\n')
  })

  test('an installation without the admission policy prints a warning of what is lost', () => {
    const notes = (values: Values) =>
      runHelm(['install', release, chart, '--dry-run=client', '--namespace', 'relayfleet-system'], values).stdout
    expect(notes({ admissionPolicy: { enabled: false } })).toContain('read every Secret of the cluster')
    expect(notes({})).not.toContain('WARNING')
  })

  test('with watchNamespaces there is no right outside those namespaces and the namespace of the operator', () => {
    const objects = rendered({ watchNamespaces: ['mail', 'team-a'] })
    expect(objects.filter(({ kind }) => kind.startsWith('ClusterRole'))).toEqual([])
    const namespaces = ofKind(objects, 'Role').map(({ metadata }) => metadata.namespace)
    expect(namespaces.toSorted()).toEqual(['mail', 'relayfleet-system', 'team-a'])
  })

  test('operator and relays run the same image, by digest where one is given', () => {
    const image = `relayfleet.dev/relayfleet@${digest}`
    const [container] = podOf(rendered({ image: { digest } })).spec.containers
    expect(container).toMatchObject({ image, args: expect.arrayContaining(['run', `--image=${image}`]) })
    expect(podOf(rendered()).spec.containers[0]?.image).toMatch(/^relayfleet\.dev\/relayfleet:\d/)
  })

  test('operator and relays have the same pull policy', () => {
    const [container] = podOf(rendered({ image: { pullPolicy: 'Never' } })).spec.containers
    const args = expect.arrayContaining(['--image-pull-policy=Never'])
    expect(container).toMatchObject({ imagePullPolicy: 'Never', args })
  })

  test('amounts of CPU and memory may be numbers, as in Kubernetes', () => {
    const resources = { requests: { cpu: 0.5, memory: 134_217_728 }, limits: { cpu: 1, memory: '512Mi' } }
    expect(podOf(rendered({ resources })).spec.containers[0]).toMatchObject({ resources })
  })

  test('a single replica has no PodDisruptionBudget, which would only block node drains', () => {
    expect(ofKind(rendered(), 'PodDisruptionBudget')).toHaveLength(1)
    expect(ofKind(rendered({ replicas: 1 }), 'PodDisruptionBudget')).toEqual([])
  })

  test('the operator gets the watched namespaces as a flag', () => {
    const args = podOf(rendered({ watchNamespaces: ['mail', 'team-a'] })).spec.containers[0]?.args
    expect(args).toContain('--watch-namespaces=mail,team-a')
  })
})
