/** The chart as helm renders it: strict values, few rights, the very kinds that are printed. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { kinds } from '../../crds/kinds.ts'
import { chartFileOf, fileOf } from '../../crds/print.ts'
import { grafanaJson } from '../../monitoring/dashboards/dashboard.ts'
import { dashboards, rulesFile, runbooks } from '../../monitoring/print.ts'
import type { KubeObject } from '../cluster/api.ts'
import { chart, helmInstalled, release, rendered, runHelm, type Values } from './helm.ts'

test.each(kinds.map((kind) => [kind.plural, kind] as const))('brings %s as it is printed', (_plural, kind) => {
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
  test('finds nothing wrong', () => {
    const { status, stdout, stderr } = runHelm(['lint', '--strict', chart])
    expect(status, stdout + stderr).toBe(0)
  })

  test.each<[string, Values, RegExp]>([
    ['an unknown value', { replica: 2 }, /additional properties 'replica' not allowed/],
    ['an unknown value within another', { image: { repo: 'x' } }, /additional properties 'repo' not allowed/],
    ['a digest that is none', { image: { digest: 'latest' } }, /at '\/image\/digest'/],
    ['no replica', { replicas: 0 }, /at '\/replicas'/],
    ['a privileged port', { metrics: { port: 80 } }, /at '\/metrics\/port'/],
    ['a namespace by a pattern', { watchNamespaces: ['team-*'] }, /at '\/watchNamespaces\/0'/],
    ['one namespace in words', { watchNamespaces: 'mail' }, /at '\/watchNamespaces'/],
    ['a namespace that is none', { watchNamespaces: ['Mail'] }, /at '\/watchNamespaces\/0'.*does not match pattern/],
    ['a namespace twice', { watchNamespaces: ['mail', 'mail'] }, /at '\/watchNamespaces'/],
    ['an image with its digest in the name', { image: { repository: 'a@sha256:0' } }, /at '\/image\/repository'/],
    ['an image with its tag in the name', { image: { repository: 'r.test:5000/a:1' } }, /at '\/image\/repository'/],
    ['more replicas than one that works and some that wait', { replicas: 50 }, /at '\/replicas'/],
    ['an admission policy that is switched by a word', { admissionPolicy: 'off' }, /at '\/admissionPolicy'/],
    ['an admission policy that is left unsaid', { admissionPolicy: { enabled: null } }, /missing property 'enabled'/],
    ['kinds of which is left unsaid whether they are kept', { crds: { keep: null } }, /missing property 'keep'/],
    ['a number that is left unsaid', { replicas: null }, /missing property 'replicas'/],
    [
      'alerts that are switched by a word',
      { monitoring: { alerts: { enabled: 'on' } } },
      /at '\/monitoring\/alerts\/enabled'/,
    ],
    [
      'a runbook that is no address',
      { monitoring: { alerts: { runbooks: 'wiki' } } },
      /at '\/monitoring\/alerts\/runbooks'/,
    ],
    ['a port that is left unsaid', { metrics: { port: null } }, /missing property 'port'/],
    ['a part that is left empty', { crds: null, dns: null }, /missing properties 'crds', 'dns'/],
    ['a right that is switched by a word', { crds: { keep: 'yes' } }, /at '\/crds\/keep'/],
  ])('refuses %s and says where', (_name, values, message) => {
    expect(() => rendered(values)).toThrow(message)
  })

  test.each(['a', 'localhost:5000/a', 'r.test/a/b'])('an image may be of a registry: %s', (repository) => {
    expect(podOf(rendered({ image: { repository, tag: '1' } })).spec.containers[0]?.image).toBe(`${repository}:1`)
  })

  test('the kinds are kept on uninstall, or not, or not brought at all, and else unchanged', () => {
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

  test('brings what a Prometheus and a Grafana take, where that is asked for', () => {
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
  ])('rights in %s: no wildcard, no escalation, no reading of what it does not need (case K39)', (_name, values) => {
    const roles = rendered(values).filter(({ kind }) => /Role$/.test(kind))
    const rules = roles.flatMap(rulesOf)
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
  ])('in %s there is no right to read a Secret, nor to look around among ConfigMaps (case K39)', (_name, values) => {
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

  test('each right on what is not of our kinds is in the table of the README, with its verbs (case K39)', () => {
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

  test('of what it may make, change or delete, all has to carry its label (case K39)', () => {
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
    // Its own kinds have rules of their own, and an Event is about somebody else's object.
    const others = written.filter((what) => !/^relayfleet[.]dev |^events[.]k8s[.]io /.test(what))
    expect(asked.toSorted()).toEqual(others.toSorted())
  })

  test('in its own namespace it has its Lease and its authority, by name', () => {
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

  test('of two releases in one namespace Helm refuses the second: they would have one Lease', () => {
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
  ])('of two releases that watch %s Helm refuses the second: they would set back what the other wrote', (_what, watched) => {
    const rights = (name: string, namespace: string): readonly string[] => {
      const values = { crds: { enabled: false }, watchNamespaces: watched }
      const { stdout } = runHelm(['template', name, chart, '--namespace', namespace], values)
      const roles = stdout.match(/^kind: (Cluster)?Role$\n^metadata:$\n^ {2}name: .*$(\n {2}namespace: .*$)?/gm) ?? []
      return roles.filter((role) => !role.includes(namespace)).toSorted()
    }
    expect(rights('one', 'mail-system')).toHaveLength(1)
    expect(rights('one', 'mail-system')).toEqual(rights('two', 'other-system'))
  })

  test('names that YAML takes for numbers or truth stay names', () => {
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

  test('who turns the admission policy off is told what is lost', () => {
    const notes = (values: Values) =>
      runHelm(['install', release, chart, '--dry-run=client', '--namespace', 'relayfleet-system'], values).stdout
    expect(notes({ admissionPolicy: { enabled: false } })).toContain('read every Secret of the cluster')
    expect(notes({})).not.toContain('WARNING')
  })

  test('with names there is no right outside them', () => {
    const objects = rendered({ watchNamespaces: ['mail', 'team-a'] })
    expect(objects.filter(({ kind }) => kind.startsWith('ClusterRole'))).toEqual([])
    const namespaces = ofKind(objects, 'Role').map(({ metadata }) => metadata.namespace)
    expect(namespaces.toSorted()).toEqual(['mail', 'relayfleet-system', 'team-a'])
  })

  test('operator and relays run one image, by digest where one is given', () => {
    const image = `relayfleet.dev/relayfleet@${digest}`
    const [container] = podOf(rendered({ image: { digest } })).spec.containers
    expect(container).toMatchObject({ image, args: expect.arrayContaining(['run', `--image=${image}`]) })
    expect(podOf(rendered()).spec.containers[0]?.image).toMatch(/^relayfleet\.dev\/relayfleet:\d/)
  })

  test('operator and relays have one pull policy', () => {
    const [container] = podOf(rendered({ image: { pullPolicy: 'Never' } })).spec.containers
    const args = expect.arrayContaining(['--image-pull-policy=Never'])
    expect(container).toMatchObject({ imagePullPolicy: 'Never', args })
  })

  test('amounts may be numbers, as for Kubernetes', () => {
    const resources = { requests: { cpu: 0.5, memory: 134_217_728 }, limits: { cpu: 1, memory: '512Mi' } }
    expect(podOf(rendered({ resources })).spec.containers[0]).toMatchObject({ resources })
  })

  test('a single replica has no budget, which would only block drains', () => {
    expect(ofKind(rendered(), 'PodDisruptionBudget')).toHaveLength(1)
    expect(ofKind(rendered({ replicas: 1 }), 'PodDisruptionBudget')).toEqual([])
  })

  test('watched namespaces reach the operator', () => {
    const args = podOf(rendered({ watchNamespaces: ['mail', 'team-a'] })).spec.containers[0]?.args
    expect(args).toContain('--watch-namespaces=mail,team-a')
  })
})
