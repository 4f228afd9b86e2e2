/** Small objects for tests of local mode, and the folders that hold them. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { kubectlYaml } from '../../../crds/kubectl-yaml.ts'
import { temporaryFolder } from '../../local/temporary.ts'

type Files = Readonly<Record<string, string>>

export function writeYaml(directory: string, files: Files): void {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(directory, name)), { recursive: true })
    writeFileSync(join(directory, name), text)
  }
}

export function yamlDirectory(files: Files): string {
  const directory = temporaryFolder()
  writeYaml(directory, files)
  return directory
}

const object = (kind: string, namespace: string, name: string, spec: object): string =>
  kubectlYaml({ apiVersion: 'relayfleet.dev/v1alpha1', kind, metadata: { namespace, name }, spec })

export const policy = (name: string, port: number, spec: object = {}, namespace = 'mail'): string =>
  object('RelayPolicy', namespace, name, {
    environment: 'NonProduction',
    listeners: [{ name: 'submission', port }],
    admission: { credentials: { namespaces: { from: 'All' } } },
    ...spec,
  })
export const domain = (spec: object = {}): string =>
  object('SenderDomain', 'mail', 'example-org', {
    domain: 'example.org',
    environment: 'NonProduction',
    allowedNamespaces: { from: 'All' },
    ...spec,
  })
export const credential = (name: string, policyName: string, spec: object = {}): string =>
  object('RelayCredential', 'team-a', name, {
    policyRef: { name: policyName, namespace: 'mail' },
    senderDomainRefs: [{ name: 'example-org', namespace: 'mail' }],
    ...spec,
  })

type Values = Readonly<Record<string, string>>
/** A Secret of a certificate, and a ConfigMap, of namespace mail. */
export const tlsSecret = (name: string, stringData: Values): string =>
  kubectlYaml({
    apiVersion: 'v1',
    kind: 'Secret',
    type: 'kubernetes.io/tls',
    metadata: { namespace: 'mail', name },
    stringData,
  })
export const configMap = (name: string, data: Values): string =>
  kubectlYaml({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { namespace: 'mail', name }, data })

/** Objects as `kubectl get -o yaml` prints several. */
export const listed = (...texts: readonly string[]): string => {
  const items = texts.map((text) => `-\n${text.replaceAll(/^/gm, '  ')}\n`)
  return `apiVersion: v1\nkind: List\nmetadata:\n  resourceVersion: ""\nitems:\n${items.join('')}`
}
