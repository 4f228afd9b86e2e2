/** A namespace with a policy `shared`, relays that answer for its pods, and an operator; and questions to all of them. */
import { until } from '../local/until.ts'
import { onTestFinished } from '../own-test.ts'
import { type AnsweringPods, answeringPods } from './answering-pods.ts'
import { type Answer, type Api, accepted, type KubeObject } from './api.ts'
import { theCluster } from './cluster.ts'
import type { Condition } from './install-crds.ts'
import { newNamespace } from './namespace.ts'
import { type OperatorProcess, startOperator } from './whole/operator-process.ts'

type PolicyStatus = {
  readonly conditions?: readonly Condition[]
  readonly pods?: readonly object[]
  readonly spools?: readonly { readonly name: string }[]
}

export type LeavingStage = Awaited<ReturnType<typeof openLeavingStage>>

/** `home` is the namespace of its Lease, which has to outlive the namespace that it watches. */
const start = (home: string, namespace: string): Promise<OperatorProcess> =>
  startOperator(home, { watchNamespaces: [namespace], timing: { lookMs: 1000, watching: { labelsMs: 1000 } } })

/** Opens a stage that is closed when the test ends. */
export async function openLeavingStage(admin: Api) {
  const [home, namespace] = [await newNamespace(theCluster(), admin), await newNamespace(theCluster(), admin)]
  const pods: AnsweringPods = await answeringPods(admin, namespace, 'shared')
  const operators: OperatorProcess[] = []
  onTestFinished(async () => {
    await Promise.all(operators.map((operator) => operator.stop()))
    await pods.close()
  })
  operators.push(await start(home, namespace))
  const at = (plural: string, name: string): string =>
    ({
      statefulsets: `/apis/apps/v1/namespaces/${namespace}/statefulsets/${name}`,
      pods: `/api/v1/namespaces/${namespace}/pods/${name}`,
      secrets: `/api/v1/namespaces/${namespace}/secrets/${name}`,
    })[plural] ?? `/apis/relayfleet.dev/v1alpha1/namespaces/${namespace}/${plural}/${name}`
  const ask = (plural: string, name = 'shared'): Promise<Answer> => admin.get(at(plural, name))
  const get = async (plural: string, name = 'shared'): Promise<KubeObject> => accepted(await ask(plural, name))
  const status = async () => ((await get('relaypolicies'))['status'] ?? {}) as PolicyStatus
  const condition = async (type: string): Promise<Condition | undefined> =>
    (await status()).conditions?.find((c) => c.type === type)
  return {
    admin,
    /** The namespace of the operators' Lease. */
    home,
    namespace,
    pods,
    at,
    get,
    status,
    condition,
    get operator(): OperatorProcess {
      return operators.at(-1) as OperatorProcess
    },
    /** Starts another process of the operator, as after a restart. */
    async anotherOperator(): Promise<void> {
      operators.push(await start(home, namespace))
    },
    replicas: async (): Promise<unknown> =>
      ((await get('statefulsets'))['spec'] as { readonly replicas: number }).replicas,
    async edit(change: object): Promise<void> {
      accepted(await admin.patch(at('relaypolicies', 'shared'), change))
    },
    /** Waits until the operator has heard from so many relays, and remembers their spools. */
    remembered: (count: number): Promise<unknown> =>
      until(`${count} spools are remembered`, async () => (await status()).spools?.length === count, 30_000),
    told: (reason: string): Promise<Condition> =>
      until(
        `ScalingDown says ${reason}`,
        async () => {
          const found = await condition('ScalingDown')
          return found?.reason === reason ? found : undefined
        },
        30_000,
      ),
    isGone: (plural: string, name = 'shared') =>
      until(`${plural} ${name} is gone`, async () => (await ask(plural, name)).status === 404, 60_000),
    eventsSay: (word: string): Promise<unknown> => {
      const events = `/apis/events.k8s.io/v1/namespaces/${namespace}/events`
      return until(`an Event says ${word}`, async () => JSON.stringify((await admin.get(events)).body).includes(word))
    },
  }
}
