/** Whether enough relays take mail: the condition Available. Pure. */
import type { Condition } from '../../compile/compiled.ts'
import { few } from '../../few.ts'
import { type FleetEvidence, serving, staying } from './fleet-evidence.ts'
import { whyFewer } from './why-fewer.ts'

export function availableBy(evidence: FleetEvidence): Condition {
  if (!evidence.knowsPods) {
    return { type: 'Available', status: 'Unknown', reason: 'PodsUnread', message: 'its pods could not be listed yet' }
  }
  const pods = staying(evidence)
  const ready = serving(evidence).length
  const wanted = evidence.replicas ?? pods.length
  const enough = ready >= Math.max(1, wanted - evidence.maxUnavailable)
  const why = few(whyFewer(evidence))
  return {
    type: 'Available',
    status: enough ? 'True' : 'False',
    reason: wanted === 0 ? 'Stopped' : enough ? 'MinimumReplicasAvailable' : 'MinimumReplicasUnavailable',
    message: `${ready} of ${wanted} relays are ready${why === '' ? '' : `: ${why}`}`,
  }
}
