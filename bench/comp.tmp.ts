import { Session } from 'node:inspector/promises'
import { assemble, inCluster } from '../operator/cluster/assemble.ts'
import { declaredIn } from '../operator/cluster/watch/declared.ts'
import { deepFreeze } from '../operator/cluster/watch/freeze.ts'
import { compile } from '../operator/compile/compile.ts'
import { bigCluster } from './big-cluster.ts'

const objects = [...bigCluster(1000, 10000)]
const parse = (o: any) =>
  deepFreeze(declaredIn(structuredClone({ ...o, metadata: { uid: 'u', resourceVersion: '1', ...o.metadata } })))!
const declared = objects.filter((o: any) => o.apiVersion.startsWith('relayfleet')).map(parse)
const keys = new Map<any, any>()
for (const d of declared)
  if (d.is === 'valid' && d.resource.kind === 'RelayCredential')
    keys.set(
      `${d.resource.namespace}/${d.resource.name}`,
      deepFreeze({
        username: 'x',
        keys: [
          { id: 'abcdefgh', verifier: 'sha256:' + 'ab'.repeat(32), state: 'Active', createdAt: '2026-01-01T00:00:00Z' },
        ],
      }),
    )
const ns = new Map(Array.from({ length: 500 }, (_, i) => [`team-${i}`, Object.freeze({ mail: 'yes', 'kubernetes.io/metadata.name': `team-${i}` })]))
let running: any = new Map()
const cpu = () => {
  const { user, system } = process.threadCpuUsage()
  return (user + system) / 1000
}
const snap = (list: any) =>
  assemble({
    declared: list,
    keys,
    unread: [],
    namespaces: ns,
    secrets: new Map(),
    configMaps: new Map(),
    running,
    place: inCluster,
  } as any)
const all: number[] = []
const session = new Session(); session.connect()
for (let n = 0; n < 30; n++) {
  const i = declared.findIndex((d) => d.ref.startsWith('RelayCredential')) + n
  const raw: any = objects.find((o: any) => `${o.kind} ${o.metadata.namespace}/${o.metadata.name}` === declared[i]!.ref)
  declared[i] = parse({
    ...raw,
    metadata: { ...raw.metadata, generation: n + 2 },
    spec: { ...raw.spec, suspended: true },
  })
  if (n === 20) await session.post('HeapProfiler.startSampling', { samplingInterval: 8192, includeObjectsCollectedByMajorGC: true, includeObjectsCollectedByMinorGC: true } as any)
  const a = cpu()
  const s = snap([...declared])
  const b = cpu()
  const c = compile(s)
  const d = cpu()
  all.push(d - b)
  running = new Map([...c.fleets].flatMap(([name, f]: any) => (f.config ? [[name, f.config]] : [])))
  if (n % 5 === 0) console.log('assemble', (b - a).toFixed(0), 'compile', (d - b).toFixed(0))
}
console.log('median compile', all.toSorted((a, b) => a - b)[15])

const { profile } = await session.post('HeapProfiler.stopSampling')
const self = new Map<string, number>(); let sum = 0
const walk = (n: any) => { const k = n.callFrame.functionName + ' ' + n.callFrame.url.split('/').slice(-2).join('/') + ':' + n.callFrame.lineNumber; self.set(k, (self.get(k) ?? 0) + n.selfSize); sum += n.selfSize; n.children.forEach(walk) }
walk(profile.head)
console.log('MB a turn', (sum / 1e7).toFixed(1)); for (const [k, b] of [...self].sort((a, b) => b[1] - a[1]).slice(0, 32)) console.log((b / 1e7).toFixed(2), k)

