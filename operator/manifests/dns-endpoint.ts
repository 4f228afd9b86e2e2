/** The DNSEndpoint by which external-dns (its CRD source) publishes the records of a SenderDomain. */
import { splitName } from '../compile/snapshot.ts'
import { type PublishedRecord, quotedStrings } from '../lifecycle/txt-record.ts'
import type { Manifest } from './manifest.ts'

/** Short, because changes have to be seen soon: the next key, or one that is withdrawn. */
const ttlSeconds = 300

/** Named after the SenderDomain. TXT values are written as in zone files: strings in quotes, of at most 255 octets each. */
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
