/** Runs a program of the tests in a pod, and talks to it through the API server. */
import { until } from '../../local/until.ts'
import type { Api } from '../api.ts'
import { apply, kubectl } from './installation.ts'

export type ProgramPod = {
  /**
   * Sends it a request, as a POST if there is a body.
   * @throws Error with its answer, if that is not 200
   */
  ask<T>(path: string, body?: unknown): Promise<T>
}

const controlPort = 8080

const podOf = (image: string, program: string, namespace: string) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: program, namespace, labels: { app: program } },
  spec: {
    automountServiceAccountToken: false,
    terminationGracePeriodSeconds: 0,
    securityContext: { runAsNonRoot: true, runAsUser: 65532, seccompProfile: { type: 'RuntimeDefault' } },
    containers: [
      {
        name: program,
        image,
        args: [`/app/${program}.js`],
        readinessProbe: { httpGet: { path: '/ready', port: controlPort }, periodSeconds: 1 },
        securityContext: {
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ['ALL'] },
        },
      },
    ],
  },
})

/** Makes the program reachable as `<program>.<namespace>.svc`, at the receiver's port. */
const serviceOf = (program: string, namespace: string) => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: program, namespace },
  spec: { selector: { app: program }, ports: [{ name: 'smtp', port: 2525 }] },
})

export async function startProgram(
  api: Api,
  program: 'receiver' | 'client',
  namespace: string,
  image: string,
): Promise<ProgramPod> {
  apply([podOf(image, program, namespace), serviceOf(program, namespace)])
  kubectl(['-n', namespace, 'wait', '--for=condition=Ready', `pod/${program}`, '--timeout=60s'])
  const pod: ProgramPod = {
    async ask<T>(path: string, body?: unknown): Promise<T> {
      const to = `/api/v1/namespaces/${namespace}/pods/${program}:${controlPort}/proxy${path}`
      const answer = body === undefined ? await api.get(to) : await api.request('POST', to, body)
      if (answer.status !== 200) throw new Error(`${program} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`)
      return answer.body as T
    },
  }
  await until(`${program} answers`, () => pod.ask('/ready').then(() => true))
  return pod
}
