/** What external-dns is asked to publish for a SenderDomain: a DNSEndpoint, for its CRD source. */
import { splitName } from '../compile/snapshot.ts'
import { type PublishedRecord, quotedStrings } from '../lifecycle/txt-record.ts'
import type { Manifest } from './manifest.ts'

/** A change has to be seen soon: a key that is withdrawn, or the next one. */
const ttlSeconds = 300

/** Named after the domain; values are strings in quotes, as zone files have them, in pieces of 255 octets. */
export function dnsEndpoint(domain: string, records: readonly PublishedRecord[]): Manifest {
  const { namespace, name } = splitName(domain as `${string}/${string}`)
  return {
    apiVersion: 'externaldns.k8s.io/v1alpha1',
    kind: 'DNSEndpoint',
    metadata: { namespace, name, labels: {} },
    spec: {
      endpoints: records.map(({ name: dnsName, type, value }) => ({
        dnsName,
        recordType: type,
        recordTTL: ttlSeconds,
        targets: [type === 'TXT' ? quotedStrings(value) : value],
      })),
    },
  }
}
