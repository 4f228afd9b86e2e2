/** What restarts the relays: another image, another file to mount. No change of the configuration's text does. */
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
  ['another replica', fleet(listeners, routesTo(a, b), 'replicas: 5')],
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
])('%s does', (_name, after) => {
  expect(relayPod(after)).not.toEqual(relayPod(before))
})

test('what is said of pulling the image holds for relays', () => {
  const policies = (['Always', 'IfNotPresent', 'Never', undefined] as const).map((imagePullPolicy) => {
    const cluster = { ...before.cluster, ...(imagePullPolicy !== undefined && { imagePullPolicy }) }
    return relayPod({ ...before, cluster }).spec?.containers[0]?.imagePullPolicy
  })
  expect(policies).toEqual(['Always', 'IfNotPresent', 'Never', undefined])
})

test('a pod has more time to end than the relay takes', () => {
  const { terminationGracePeriodSeconds = 0, containers = [] } = relayPod(before).spec ?? {}
  const wait = containers[0]?.lifecycle?.preStop?.sleep?.seconds ?? 0
  // relay/main.ts gives what is in flight 25 s.
  expect(terminationGracePeriodSeconds - wait).toBeGreaterThan(25)
})
