/** May this client connect at all? */
import type { RelayConfig } from '../config.ts'
import { type Refusal, refusal } from '../mail/rule.ts'
import { contains } from './networks.ts'
import { type Check, firstRefusal } from './verdict.ts'

type ConnectFacts = { readonly config: RelayConfig; readonly client: string }

const notSuspended: Check<ConnectFacts> = ({ config }) => (config.suspended ? refusal('suspended') : undefined)

// `undefined`, where the address or the list can not be read, counts as denied.
const notDenied: Check<ConnectFacts> = ({ config, client }) =>
  contains(config.networks.deny, client) === false ? undefined : refusal('admission.networks')

const inAnAllowedNetwork: Check<ConnectFacts> = ({ config: { networks }, client }) =>
  networks.allow.length === 0 || contains(networks.allow, client) ? undefined : refusal('admission.networks')

const connectChecks: readonly Check<ConnectFacts>[] = [
  notSuspended, //       the fleet takes mail
  notDenied, //          deny wins
  inAnAllowedNetwork, // a list narrows who may log in; it never replaces the login
]

/** The refusal for a client, which is the peer's IP address; undefined: it may connect. */
export const judgeConnect = (config: RelayConfig, client: string): Refusal | undefined =>
  firstRefusal(connectChecks, { config, client })
