/** The pod of a relay: it may run, write its own volume, and nothing else. */
import type { V1Container, V1PodTemplateSpec } from '@kubernetes/client-node'
import { nodeFlags } from '../../relay/node-flags.ts'
import { configVolume } from './config-volume.ts'
import { httpPort, httpPortName } from './http-port.ts'
import { labelsOf, selectorOf, takesMail } from './labels.ts'
import { dataVolume, relayContainerName } from './names.ts'
import type { RelayFleet } from './relay-fleet.ts'

/** In the image. */
const program = '/app/relay.js'

/** The number of the image's user; the group of its files, so that it can read them. */
const nonRoot = 65_532

/** Until every node knows that the pod leaves; connections that still come are served meanwhile. */
const leaveSeconds = 5
/** What the relay takes at most to end what is in flight. */
const graceSeconds = 25
/** For closing its spool. */
const reserveSeconds = 15

const configFolder = '/etc/relayfleet'
const dataFolder = '/var/lib/relayfleet'
const relayArguments = ['--config', configFolder, '--data', dataFolder]

const pageAt = (path: string) => ({ httpGet: { path, port: httpPortName } })

/** What the StatefulSet's own controller puts on each of its pods; where it does not, the relay is told nothing. */
const podIndexLabel = 'apps.kubernetes.io/pod-index'
const indexVariable = 'RELAY_INDEX'
const indexArguments = ['--index', `$(${indexVariable})`]

// No listener's port is named: it is opened and closed while the pod runs, and a name here would restart it.
const relayContainer = (fleet: RelayFleet): V1Container => {
  const port = httpPort(fleet)
  const { image, imagePullPolicy } = fleet.cluster
  return {
    name: relayContainerName,
    image,
    ...(imagePullPolicy !== undefined && { imagePullPolicy }),
    args: [...nodeFlags(program), program, ...relayArguments, '--http', `:::${port}`, ...indexArguments],
    env: [{ name: indexVariable, valueFrom: { fieldRef: { fieldPath: `metadata.labels['${podIndexLabel}']` } } }],
    ports: [{ name: httpPortName, containerPort: port, protocol: 'TCP' }],
    // A long journal is read before the first page is there: that is slow, not dead.
    startupProbe: { ...pageAt('/healthz'), periodSeconds: 2, failureThreshold: 300 },
    livenessProbe: { ...pageAt('/healthz'), periodSeconds: 10, timeoutSeconds: 5, failureThreshold: 6 },
    readinessProbe: { ...pageAt('/readyz'), periodSeconds: 5, timeoutSeconds: 3, failureThreshold: 2 },
    // Why it can not start is the last line that it writes, and so is in the pod's status.
    terminationMessagePolicy: 'FallbackToLogsOnError',
    lifecycle: { preStop: { sleep: { seconds: leaveSeconds } } },
    resources: { requests: { cpu: '100m', memory: '128Mi' } },
    securityContext: {
      allowPrivilegeEscalation: false,
      capabilities: { drop: ['ALL'] },
      readOnlyRootFilesystem: true,
    },
    volumeMounts: [
      { name: 'config', mountPath: configFolder, readOnly: true },
      { name: dataVolume, mountPath: dataFolder },
    ],
  }
}

const spreadOver = (fleet: RelayFleet, topologyKey: string) => ({
  maxSkew: 1,
  topologyKey,
  // A pod that waits for the perfect node relays no mail.
  whenUnsatisfiable: 'ScheduleAnyway',
  labelSelector: selectorOf(fleet.name),
})

/** Nothing of the configuration's text is in it, so a changed configuration restarts no pod. */
export const relayPod = (fleet: RelayFleet): V1PodTemplateSpec => ({
  metadata: { labels: { ...labelsOf(fleet.name), ...takesMail } },
  spec: {
    automountServiceAccountToken: false,
    enableServiceLinks: false,
    terminationGracePeriodSeconds: leaveSeconds + graceSeconds + reserveSeconds,
    securityContext: {
      runAsNonRoot: true,
      runAsUser: nonRoot,
      runAsGroup: nonRoot,
      fsGroup: nonRoot,
      fsGroupChangePolicy: 'OnRootMismatch',
      seccompProfile: { type: 'RuntimeDefault' },
    },
    topologySpreadConstraints: ['topology.kubernetes.io/zone', 'kubernetes.io/hostname'].map((key) =>
      spreadOver(fleet, key),
    ),
    containers: [relayContainer(fleet)],
    volumes: [configVolume(fleet)],
  },
})
