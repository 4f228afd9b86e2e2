/** The list of kinds. Watches, the CRD printer, the validator and the tests iterate it, so a kind is added in one place. */
import { relayCredential } from './relay-credential.ts'
import { relayPolicy } from './relay-policy.ts'
import { senderDomain } from './sender-domain.ts'

export const group = 'relayfleet.dev'
export const version = 'v1alpha1'
export const apiVersion = `${group}/${version}`

export const kinds = [relayPolicy, senderDomain, relayCredential] as const
export type KindName = 'RelayPolicy' | 'SenderDomain' | 'RelayCredential'
