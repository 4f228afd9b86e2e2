/** The command line on a cluster whose pods run reads their pages and logs, forwards their ports, and notices that the operator is gone. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { helmInstalled, release } from '../../chart/helm.ts'
import { until } from '../../local/until.ts'
import { commanded } from '../../operator/cli/commanded.ts'
import { givenCluster, theCluster } from '../cluster.ts'
import { senderDomain } from './fleet-objects.ts'
import { type FleetOnNode, fleetOnNode } from './fleet-on-node.ts'
import { type Installation, install, kubectl, operatorNamespace } from './installation.ts'

describe.runIf(givenCluster() !== undefined && helmInstalled())('the command line on a node', () => {
  let installed: Installation
  let fleet: FleetOnNode
  beforeAll(async () => {
    installed = install()
    fleet = await fleetOnNode(installed, 2)
  }, 300_000)
  afterAll(() => {
    installed?.uninstall()
  }, 60_000)

  const relayfleet = (verb: string, ...more: readonly string[]) =>
    commanded(verb, '--kubeconfig', theCluster().kubeconfig, '-n', fleet.namespace, ...more)
  const submission = (from: string) => ['--credential', 'checkout', '--from', from, '--to', 'customer@example.net']
  const own = () => `orders@${senderDomain(fleet.namespace)}`

  test('status shows what the pods themselves say', async () => {
    const { code, out } = await relayfleet('status', 'shared', '-o', 'json')
    const { fleets, notes } = JSON.parse(out)
    expect([code, notes]).toEqual([0, []])
    expect(fleets).toHaveLength(1)
    expect(fleets[0].configHash).toMatch(/^sha256:/)
    const said = { ready: true, configHash: fleets[0].configHash, queued: 0, oldestSeconds: 0 }
    expect(fleets[0].pods).toEqual(fleet.pods().map(({ name }) => ({ name, ...said })))
  })

  test('check finds nothing, with an operator at work', async () => {
    expect(await relayfleet('check')).toEqual({
      code: 0,
      out: `no errors in the 3 objects of namespace ${fleet.namespace}\n`,
      err: '',
    })
  })

  test('explain allows what send-test then delivers, hop by hop', async () => {
    expect((await relayfleet('explain', ...submission(own()))).code).toBe(0)
    const { code, out } = await relayfleet('send-test', ...submission(own()))
    expect(out).toMatch(/^ +\(TLS: the certificate of the relay is verified\)$/m)
    expect(out).toMatch(/^hop {5}smarthost receiver: delivered, 250 /m)
    expect(out).toMatch(/^DELIVERED {2}the next hop said: 250 /m)
    expect(code).toBe(0)
  })

  test('explain and send-test name the same rule for what is refused', async () => {
    const foreign = submission('ceo@elsewhere.example')
    const [explained, sent] = [await relayfleet('explain', ...foreign), await relayfleet('send-test', ...foreign)]
    for (const { code, out } of [explained, sent]) {
      expect(code).toBe(1)
      expect(out).toContain(
        `rule   senderRules.envelopeFrom (spec.senderRules.envelopeFrom of RelayPolicy ${fleet.namespace}/shared)`,
      )
    }
  })

  test('check says that the operator is gone, until it is back', async () => {
    const deployment = ['-n', operatorNamespace, `deployment/${release}`]
    const scale = (replicas: string): string => kubectl(['scale', ...deployment, `--replicas=${replicas}`])
    const before = kubectl(['get', ...deployment, '-o', 'jsonpath={.spec.replicas}'])
    const found = async (): Promise<string> => (await relayfleet('check')).out
    try {
      scale('0')
      await until('check says so', async () => (await found()).includes('(OperatorNotRunning)'), 90_000)
    } finally {
      scale(before)
    }
    await until('check finds nothing again', async () => (await found()).startsWith('no errors'), 90_000)
  }, 240_000)
})
