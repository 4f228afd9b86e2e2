/** A configuration in Secrets: whole, no larger than a Secret may be, and refused in words when it is too large for all. */
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

test('ten thousand credentials fit, each Secret below 1 MiB, and come back from Secrets in any order', () => {
  const config = withCredentials(10_000)
  const secrets = secretsOf(config)
  expect(secrets.length).toBeGreaterThan(1)
  for (const { data = {} } of secrets) {
    const bytes = Object.entries(data).reduce((sum, [k, v]) => sum + k.length + Buffer.from(v, 'base64').length, 0)
    expect(bytes).toBeLessThan(1024 * 1024)
  }
  expect(configText(secrets.toReversed())).toBe(printConfig(config))
})

test('of ten thousand credentials one is changed: all parts but one or two stay as they are', () => {
  const config = withCredentials(10_000)
  const credentials = config.credentials.map((c, i) => (i === 4321 ? { ...c, suspended: true } : c))
  const before = new Set(secretsOf(config).map(({ data = {} }) => JSON.stringify(data)))
  const after = secretsOf({ ...config, credentials }).filter(({ data = {} }) => !before.has(JSON.stringify(data)))
  expect([2, 3]).toContain(after.length)
})

test('a write that was interrupted is told, and not taken for a configuration', () => {
  const before = secretsOf(withCredentials(5_000))
  const after = secretsOf(withCredentials(5_001))
  expect(configText([...before, ...after.slice(0, -1)])).toBe(printConfig(withCredentials(5_000)))
  expect(() => configText([...before.slice(0, -1), ...after.slice(-1)])).toThrow('not all of one configuration yet')
  expect(() => configText([])).toThrow('there is no relay.json')
})

test('one that is too large for all Secrets names the fleet and a mend', () => {
  expect(() => secretsOf(withCredentials(30_000))).toThrow(
    /^the configuration of mail\/shared has \d+ characters.* move some of its credentials to a second policy$/,
  )
})

test('the names are as many as the pods mount', () => {
  expect(configSecretNames('shared')).toHaveLength(12)
})
