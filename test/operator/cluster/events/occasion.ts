/** An occasion for an Event, which tests vary. */
import type { Occasion } from '../../../../operator/cluster/events/event-series.ts'

export const occasion: Occasion = {
  regarding: {
    apiVersion: 'relayfleet.dev/v1alpha1',
    kind: 'RelayCredential',
    namespace: 'shop',
    name: 'web',
    uid: 'u1',
  },
  type: 'Warning',
  reason: 'SecretRepaired',
  action: 'Apply',
  note: 'Secret smtp was damaged and is repaired',
}
