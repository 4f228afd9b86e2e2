/** A configuration is split over Secrets that are no larger than Kubernetes allows, and is refused in words where it is too large for all of them. */
import { expect, test } from 'vitest'
import { configSecrets, configText, hashAnnotation } from '../../operator/manifests/config-secrets.ts'
import { configSecretNames } from '../../operator/manifests/names.ts'
import { configHash, printConfig, type RelayConfig } from '../../relay/config.ts'
import { baseConfig } from '../relay/inbound/submission-under-test.ts'

const credentialOf = (i: number): RelayConfig['credentials'][number] => ({
  name: `team-${i}/smtp`,
  username: `smtp.team-${i}`,
  keys: [{ id: 'k1', verifier: `sha256:${String(i).padStart(64, '0')}` }],
  senders: [{ senderDomain: 'mail/example', domain: 'example.org', includeSubdomains: false, localParts: [] }],
  addresses: [],
  networks: [],
  recipientDomains: [],
  suspended: false,
})
const withCredentials = (count: number): RelayConfig => ({
  ...baseConfig,
  credentials: Array.from({ length: count }, (_, i) => credentialOf(i)),
})
const secretsOf = (config: RelayConfig) =>
  configSecrets('mail/shared', config) as readonly { readonly data?: Record<string, string> }[]

test('a configuration of the usual size is relay.json in the first Secret, with its hash', () => {
  const [first, ...others] = configSecrets('mail/shared', baseConfig)
  expect(others).toEqual([])
  expect(first).toMatchObject({
    metadata: {
      name: 'shared-relay-config-0',
      namespace: 'mail',
      labels: { 'app.kubernetes.io/managed-by': 'relayfleet', 'relayfleet.dev/policy': 'shared' },
      annotations: { [hashAnnotation]: configHash(printConfig(baseConfig)) },
    },
    data: { 'relay.json': Buffer.from(printConfig(baseConfig)).toString('base64') },
  })
})

test('ten thousand credentials fit into Secrets below 1 MiB each, and are read back from the Secrets in any order', () => {
  const config = withCredentials(10_000)
  const secrets = secretsOf(config)
  expect(secrets.length).toBeGreaterThan(1)
  for (const { data = {} } of secrets) {
    const bytes = Object.entries(data).reduce((sum, [k, v]) => sum + k.length + Buffer.from(v, 'base64').length, 0)
    expect(bytes).toBeLessThan(1024 * 1024)
  }
  expect(configText(secrets.toReversed())).toBe(printConfig(config))
})

test('a change of one credential out of ten thousand changes the index and at most two parts', () => {
  const config = withCredentials(10_000)
  const credentials = config.credentials.map((c, i) => (i === 4321 ? { ...c, suspended: true } : c))
  const before = new Set(secretsOf(config).map(({ data = {} }) => JSON.stringify(data)))
  const after = secretsOf({ ...config, credentials }).filter(({ data = {} }) => !before.has(JSON.stringify(data)))
  expect([2, 3]).toContain(after.length)
})

test('an interrupted write reads as the earlier configuration or is refused as incomplete', () => {
  const before = secretsOf(withCredentials(5_000))
  const after = secretsOf(withCredentials(5_001))
  expect(configText([...before, ...after.slice(0, -1)])).toBe(printConfig(withCredentials(5_000)))
  expect(() => configText([...before.slice(0, -1), ...after.slice(-1)])).toThrow('not all of one configuration yet')
  expect(() => configText([])).toThrow('there is no relay.json')
})

test('a configuration too large for all Secrets is refused, with the name of the fleet and what to do', () => {
  expect(() => secretsOf(withCredentials(30_000))).toThrow(
    /^the configuration of mail\/shared has \d+ characters.* move some of its credentials to a second policy$/,
  )
})

test('a fleet has twelve Secrets for its configuration, as many as its pods mount', () => {
  expect(configSecretNames('shared')).toHaveLength(12)
})
