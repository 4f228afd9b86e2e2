/** Who keeps an object as it is in some repository, and would set back what a person changes in the cluster. Pure. */
import type { KubeObject } from '../api/object.ts'

/** Marks that the tools of GitOps leave on what they made. */
const marks: readonly (readonly [mark: string, tool: string])[] = [
  ['argocd.argoproj.io/instance', 'Argo CD'],
  ['argocd.argoproj.io/tracking-id', 'Argo CD'],
  ['kustomize.toolkit.fluxcd.io/name', 'Flux'],
  ['helm.toolkit.fluxcd.io/name', 'Flux'],
  ['configmanagement.gke.io/managed', 'Config Sync'],
  ['meta.helm.sh/release-name', 'Helm'],
]

/** Those of people at a terminal. */
const ofPeople = /^(kubectl|relayfleet)/

export function keepersOf({ metadata }: KubeObject): readonly string[] {
  const marked = { ...metadata.labels, ...metadata.annotations }
  const tools = marks.flatMap(([mark, tool]) => (marked[mark] === undefined ? [] : [tool]))
  const appliers = (metadata.managedFields ?? [])
    .filter(({ manager, operation }) => operation === 'Apply' && !ofPeople.test(manager))
    .map(({ manager }) => manager)
  return [...new Set(tools.length > 0 ? tools : appliers)]
}
