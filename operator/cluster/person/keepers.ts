/** Which tools keep an object as a repository has it, and would undo what a person changes in the cluster. Pure. */
import type { KubeObject } from '../api/object.ts'

/** Labels and annotations that GitOps tools put on the objects which they make. */
const marks: readonly (readonly [mark: string, tool: string])[] = [
  ['argocd.argoproj.io/instance', 'Argo CD'],
  ['argocd.argoproj.io/tracking-id', 'Argo CD'],
  ['kustomize.toolkit.fluxcd.io/name', 'Flux'],
  ['helm.toolkit.fluxcd.io/name', 'Flux'],
  ['configmanagement.gke.io/managed', 'Config Sync'],
  ['meta.helm.sh/release-name', 'Helm'],
]

/** The field managers of people at a terminal. */
const ofPeople = /^(kubectl|relayfleet)/

export function keepersOf({ metadata }: KubeObject): readonly string[] {
  const marked = { ...metadata.labels, ...metadata.annotations }
  const tools = marks.flatMap(([mark, tool]) => (marked[mark] === undefined ? [] : [tool]))
  const appliers = (metadata.managedFields ?? [])
    .filter(({ manager, operation }) => operation === 'Apply' && !ofPeople.test(manager))
    .map(({ manager }) => manager)
  return [...new Set(tools.length > 0 ? tools : appliers)]
}
