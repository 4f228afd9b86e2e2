/** A plain policy, and a plain credential that may send only as corp.t; each test adds what it is about. */
import type { CredentialConfig, RelayConfig, SenderConfig } from '../../relay/config.ts'

export const sender = (over: Partial<SenderConfig> = {}): SenderConfig => ({
  senderDomain: 'mail/corp',
  domain: 'corp.t',
  includeSubdomains: false,
  localParts: [],
  ...over,
})

export const credential = (over: Partial<CredentialConfig> = {}): CredentialConfig => ({
  name: 'team/app',
  username: 'team.app',
  keys: [],
  senders: [sender()],
  addresses: [],
  networks: [],
  recipientDomains: [],
  suspended: false,
  ...over,
})

type SenderRules = RelayConfig['senderRules']
export const senderRules = (over: Partial<SenderRules> = {}): SenderRules => ({
  envelopeFrom: { enforcement: 'Enforce' },
  headerFrom: { enforcement: 'Enforce', displayNameAddress: 'Reject' },
  alignment: { enforcement: 'Enforce', mode: 'Organizational' },
  nullReversePath: 'Deny',
  ...over,
})

export const policy = (over: Partial<RelayConfig> = {}): RelayConfig => ({
  version: 'relay.relayfleet.dev/v1',
  policy: 'mail/shared',
  environment: 'Production',
  hostname: 'relay.example.org',
  suspended: false,
  listeners: [],
  networks: { allow: [], deny: [] },
  authFailures: { max: 10, perMs: 300_000, lockoutMs: 900_000 },
  limits: {
    messageBytes: 26_214_400,
    recipientsPerMessage: 100,
    connectionsPerClient: 50,
    messagesPerConnection: 1000,
    transactionMs: 600_000,
  },
  senderRules: senderRules(),
  recipients: { mode: 'Unrestricted', domains: [], addresses: [] },
  credentials: [],
  routes: [],
  queue: { maxBytes: 1_000_000, maxAgeMs: 600_000 },
  evidence: { addresses: 'Hash' },
  ...over,
})
