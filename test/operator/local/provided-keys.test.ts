/** A DKIM key in a Secret takes the place of the former one by the reports of the relays alone, without a name server, an edit or a timer. */
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { kubectlYaml } from '../../../crds/kubectl-yaml.ts'
import { Dirty } from '../../../operator/dirty.ts'
import { recordedIn } from '../../../operator/local/domain-keys.ts'
import { processSink } from '../../../operator/local/sink.ts'
import { yamlSource } from '../../../operator/local/source.ts'
import { stateAt } from '../../../operator/local/state.ts'
import { readStatuses } from '../../../operator/local/status-file.ts'
import { run } from '../../../operator/run.ts'
import { freePort } from '../../local/free-port.ts'
import { temporaryFolder } from '../../local/temporary.ts'
import { until } from '../../local/until.ts'
import { rsaKey } from '../../relay/delivery/signing-keys.ts'
import { credential, domain, policy, writeYaml, yamlDirectory } from './yaml.ts'

const keyed = (selector: string): string =>
  kubectlYaml({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { namespace: 'mail', name: 'dkim' },
    stringData: { [`${selector}.pem`]: rsaKey(selector).pem },
  })

/** A verifier that never looks at a record. */
const silent = { give: () => undefined, look: () => undefined }

function runningWithoutDns(directory: string) {
  const ending = new AbortController()
  const state = stateAt(join(temporaryFolder(), 'state'))
  const dirty = new Dirty()
  const tell = (): void => undefined
  const source = yamlSource({ directory, state, dirty, tell })
  const sink = processSink({ state, dirty, tell, verifier: silent, directory: () => source.directory })
  const done = run(source, sink, ending.signal)
  onTestFinished(async () => {
    ending.abort()
    dirty.mark()
    await done
    await sink.close()
  })
  return {
    stages: () =>
      recordedIn(readStatuses(state.statusFile), 'mail/example-org')
        .map((k) => `${k.selector} ${k.stage}`)
        .join(),
  }
}

test('the former key is Retiring as soon as the relay signs with it no more', async () => {
  const directory = yamlDirectory({
    'policy.yaml': policy('shared', await freePort()),
    'domain.yaml': domain({ dkim: { mode: 'Provided', secretRef: { name: 'dkim' } } }),
    'credential.yaml': credential('web', 'shared'),
    'secret.yaml': keyed('r1'),
  })
  const fleet = runningWithoutDns(directory)
  await until('the key is active', () => fleet.stages() === 'r1 Active')
  writeYaml(directory, { 'secret.yaml': keyed('r2') })
  await until('the former key retires', () => fleet.stages().includes('r1 Retiring'))
  expect(fleet.stages()).toBe('r2 Active,r1 Retiring')
})
