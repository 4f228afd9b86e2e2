/** Only another image or another set of mounted files restarts the relays; a change in the text of the configuration does not. */
import { expect, test } from 'vitest'
import type { RelayFleet } from '../../operator/manifests/relay-fleet.ts'
import { relayPod } from '../../operator/manifests/relay-pod.ts'
import { fleetOf } from './fleet-of.ts'

const policy = (spec: string): string => `
apiVersion: relayfleet.dev/v1alpha1
kind: RelayPolicy
metadata: {name: shared, namespace: mail}
spec:
  environment: Production
${spec.replaceAll(/^/gm, '  ')}
---
apiVersion: v1
kind: Secret
metadata: {name: ses, namespace: mail}
stringData: {username: x, password: x}
---
apiVersion: v1
kind: Secret
metadata: {name: own, namespace: mail}
type: kubernetes.io/tls
stringData: {tls.crt: x, tls.key: x}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: corp, namespace: mail}
data: {ca.crt: x}
`
const listeners = 'listeners: [{name: submission, port: 587}]'
const a = '{name: a, host: a.example, authRef: {name: ses}, tls: {caRef: {name: corp}}}'
const b = '{name: b, host: b.example, authRef: {name: ses}}'
const routesTo = (...smarthosts: readonly string[]) =>
  `routes: [{name: default, smarthosts: [${smarthosts.join(', ')}]}]`
const fleet = (...lines: readonly string[]): RelayFleet => fleetOf(policy(lines.join('\n')))

const before = fleet(listeners, routesTo(a, b))

test.each([
  ['another number of replicas', fleet(listeners, routesTo(a, b), 'replicas: 5')],
  ['another port', fleet('listeners: [{name: submission, port: 2525}]', routesTo(a, b))],
  ['another mode of TLS', fleet('listeners: [{name: submission, port: 587, tls: {mode: Implicit}}]', routesTo(a, b))],
  ['another limit', fleet(listeners, routesTo(a, b), 'admission: {limits: {messageSize: 1Mi}}')],
  ['a suspension', fleet(listeners, routesTo(a, b), 'suspended: true')],
  ['smarthosts in another order', fleet(listeners, routesTo(b, a))],
  ['a smarthost that needs no new file', fleet(listeners, routesTo(a, b, '{name: c, host: c.example}'))],
  ['another hostname', fleet(listeners, routesTo(a, b), 'hostname: relay.example.org')],
])('%s restarts nothing', (_name, after) => {
  expect(relayPod(after)).toEqual(relayPod(before))
})

test.each([
  [
    'a certificate from a Secret',
    fleet('listeners: [{name: submission, port: 587, tls: {certificateRef: {name: own}}}]', routesTo(a, b)),
  ],
  ['a smarthost that has no login any more', fleet(listeners, routesTo('{name: a, host: a.example}'))],
  ['another image', { ...before, cluster: { ...before.cluster, image: 'registry.example/relayfleet:2' } }],
])('%s restarts the relays', (_name, after) => {
  expect(relayPod(after)).not.toEqual(relayPod(before))
})

test('the relays get the pull policy that the operator was given for them', () => {
  const policies = (['Always', 'IfNotPresent', 'Never', undefined] as const).map((imagePullPolicy) => {
    const cluster = { ...before.cluster, ...(imagePullPolicy !== undefined && { imagePullPolicy }) }
    return relayPod({ ...before, cluster }).spec?.containers[0]?.imagePullPolicy
  })
  expect(policies).toEqual(['Always', 'IfNotPresent', 'Never', undefined])
})

test('a pod has the time to read a full volume of the slowest sort before it counts as dead, since it would begin anew', () => {
  const { startupProbe } = relayPod(before).spec?.containers[0] ?? {}
  const seconds = (startupProbe?.periodSeconds ?? 0) * (startupProbe?.failureThreshold ?? 0)
  // Amazon's sc1 gives 12 MB a second for each TB; Google's pd-standard ten times as much.
  const [volumeBytes, bytesPerSecond] = [1e12, 12e6]
  expect(seconds).toBeGreaterThan(volumeBytes / bytesPerSecond)
})

test('a pod is given more time to end than its relay takes', () => {
  const { terminationGracePeriodSeconds = 0, containers = [] } = relayPod(before).spec ?? {}
  const wait = containers[0]?.lifecycle?.preStop?.sleep?.seconds ?? 0
  // relay/main.ts gives deliveries in flight 25 s to end.
  expect(terminationGracePeriodSeconds - wait).toBeGreaterThan(25)
})
