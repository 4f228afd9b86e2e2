/** Chooses the cluster for a test run. Pure: the caller starts it. */
import type { ApiProgram, Environment } from './programs.ts'

/** What tests need: `api` is an API server that stores and checks objects, `node` is a cluster that also runs pods. */
export type Tier = 'api' | 'node'

export type Facts = {
  readonly env: Environment
  /** The file of a program in the folder that KUBEBUILDER_ASSETS names, if it is there. */
  readonly asset: (name: string) => string | undefined
  /** The file of a program that was built from our Go modules, if it was. */
  readonly built: (name: string) => string | undefined
  readonly onPath: (name: string) => string | undefined
  /** The program that starts a whole cluster with a node on this machine, if there is one. */
  readonly testbed: string | undefined
}

type Files = { readonly [name in Exclude<ApiProgram, 'kube-controller-manager'>]: string } & {
  readonly 'kube-controller-manager'?: string
}

export type Choice =
  | { readonly kind: 'given'; readonly kubeconfig: string; readonly kubectl: string; readonly loader?: string }
  | { readonly kind: 'control-plane'; readonly files: Files }
  | { readonly kind: 'testbed'; readonly program: string }
  | { readonly kind: 'none'; readonly why: string }

const none = (why: string): Choice => ({ kind: 'none', why })

function given(tier: Tier, { env, asset, built, onPath }: Facts, kubeconfig: string): Choice {
  const kubectl = asset('kubectl') ?? onPath('kubectl') ?? built('kubectl')
  if (kubectl === undefined) return none('a cluster is given, but there is no kubectl; put it on PATH')
  const loader = env['RELAYFLEET_TEST_IMAGE_LOADER']
  if (loader !== undefined) return { kind: 'given', kubeconfig, kubectl, loader }
  if (tier === 'api') return { kind: 'given', kubeconfig, kubectl }
  return none('RELAYFLEET_TEST_IMAGE_LOADER is not set: the command that loads an image archive into the given cluster')
}

/** Takes all programs from one place, so that two versions are not mixed. */
function controlPlane(find: (name: string) => string | undefined): Choice | undefined {
  const [etcd, server, kubectl] = [find('etcd'), find('kube-apiserver'), find('kubectl')]
  if (etcd === undefined || server === undefined || kubectl === undefined) return undefined
  const controllers = find('kube-controller-manager')
  const files = { etcd, 'kube-apiserver': server, kubectl }
  const all = controllers === undefined ? files : { ...files, 'kube-controller-manager': controllers }
  return { kind: 'control-plane', files: all }
}

const api = ({ env, asset, built }: Facts): Choice =>
  env['KUBEBUILDER_ASSETS'] === undefined
    ? (controlPlane(built) ??
      none('there is no API server; `npm run cluster:build` compiles one where Go is (some minutes, once)'))
    : (controlPlane(asset) ?? none('KUBEBUILDER_ASSETS names no folder with etcd, kube-apiserver and kubectl'))

const node = ({ testbed }: Facts): Choice =>
  testbed === undefined
    ? none('there is no cluster that runs pods; give one with KUBECONFIG and RELAYFLEET_TEST_CLUSTER=1 (kind will do)')
    : { kind: 'testbed', program: testbed }

/** A cluster that is given comes first, but only if both variables say that tests may write to it. */
export function choose(tier: Tier, facts: Facts): Choice {
  const { KUBECONFIG: kubeconfig, RELAYFLEET_TEST_CLUSTER: allowed } = facts.env
  if (allowed === '1' && kubeconfig === undefined) return none('RELAYFLEET_TEST_CLUSTER=1 needs KUBECONFIG')
  if (allowed === '1' && kubeconfig !== undefined) return given(tier, facts, kubeconfig)
  return tier === 'api' ? api(facts) : node(facts)
}
