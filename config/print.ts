/** Prints what the chart installs with its values as they come, for `kubectl apply -k config/` (`npm run config`, by helm). */
import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseAllDocuments } from 'yaml'
import { kubectlYaml } from '../crds/kubectl-yaml.ts'

/** Where the operator is; its flags and the admission policy name it, too. */
export const namespace = 'relayfleet-system'
export const operatorFile = join(import.meta.dirname, 'operator.yaml')

/** `helm template` with these, and the kinds as they are in crds/. */
export const templateArguments = [
  ...['template', 'relayfleet', join(import.meta.dirname, '../charts/relayfleet')],
  ...['--namespace', namespace, '--set', 'crds.enabled=false'],
]

type Labelled = { labels?: Record<string, string> }
type Installed = {
  readonly kind: string
  readonly metadata: Labelled
  readonly spec?: { template?: { metadata: Labelled } }
}

const byHelm = ['helm.sh/chart', 'app.kubernetes.io/managed-by']

/** The text of `operator.yaml`, from what helm prints: the same objects, which helm does not manage. */
export function printed(template: string): string {
  const objects = parseAllDocuments(template)
    .map((document) => document.toJS() as Installed | null)
    .filter((object) => object !== null)
  for (const { metadata, spec } of objects) {
    for (const { labels = {} } of [metadata, spec?.template?.metadata ?? {}]) for (const l of byHelm) delete labels[l]
  }
  const texts = objects.map(kubectlYaml)
  return `# Printed from the chart by \`npm run config\`; never edited.\n${texts.join('---\n')}`
}

if (import.meta.main)
  writeFileSync(operatorFile, printed(execFileSync('helm', templateArguments, { encoding: 'utf8' })))
