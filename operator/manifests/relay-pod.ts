/** The pod template of a relay, with no more rights than to run and to write its own volume. */
import type { V1Container, V1PodTemplateSpec } from '@kubernetes/client-node'
import { nodeFlags } from '../../relay/node-flags.ts'
import { configVolume } from './config-volume.ts'
import { httpPort, httpPortName } from './http-port.ts'
import { labelsOf, selectorOf, takesMail } from './labels.ts'
import { dataVolume, relayContainerName } from './names.ts'
import type { RelayFleet } from './relay-fleet.ts'

/** The path in the image (see image/content.ts). */
const program = '/app/relay.js'

/** The uid of the image's user, also used as gid and fsGroup, so that the relay can read its files. */
const nonRoot = 65_532

/** How long the pod goes on serving before SIGTERM (preStop): until every node has stopped sending it connections. */
const leaveSeconds = 5
/** The time that the relay takes at most to finish what is in flight. */
const graceSeconds = 25
/** The time to close its spool. */
const reserveSeconds = 15

/**
 * The relay reads its whole journal before it serves a page, and begins anew when it is killed meanwhile: so a relay that is slow
 * to start must not count as dead, or it would never start. In a day even the slowest volumes that clouds sell are read.
 */
const mostStartSeconds = 86_400

const configFolder = '/etc/relayfleet'
const dataFolder = '/var/lib/relayfleet'
const relayArguments = ['--config', configFolder, '--data', dataFolder]

const pageAt = (path: string) => ({ httpGet: { path, port: httpPortName } })

/** The pod's ordinal, a label by the StatefulSet controller (Kubernetes 1.28 and later). Without it, the relay gets no index. */
const podIndexLabel = 'apps.kubernetes.io/pod-index'
const indexVariable = 'RELAY_INDEX'
const indexArguments = ['--index', `$(${indexVariable})`]

// Ports of listeners are not listed: they are opened and closed while the pod runs, and a change of the template would restart
// it.
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
    startupProbe: { ...pageAt('/healthz'), periodSeconds: 2, failureThreshold: mostStartSeconds / 2 },
    livenessProbe: { ...pageAt('/healthz'), periodSeconds: 10, timeoutSeconds: 5, failureThreshold: 6 },
    readinessProbe: { ...pageAt('/readyz'), periodSeconds: 5, timeoutSeconds: 3, failureThreshold: 2 },
    // The last line that it writes says why it can not start; this puts that line into the pod's status.
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
  // Spreading is a preference only: a pod that waits for a perfect node relays no mail.
  whenUnsatisfiable: 'ScheduleAnyway',
  labelSelector: selectorOf(fleet.name),
})

/** The template has nothing of the configuration's content, so a changed configuration does not restart pods. */
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
