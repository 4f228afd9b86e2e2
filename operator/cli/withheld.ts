/** Complaints about kinds that could not be listed, because the person lacks the right. Pure. */
import type { Survey } from '../cluster/person/survey.ts'
import { missingRight } from './api-trouble.ts'
import type { Complaint } from './complaint.ts'

export const withheldKinds = ({ withheld }: Survey): readonly Complaint[] =>
  withheld.map(({ resource, why }) => ({
    severity: 'warning',
    object: resource.plural,
    reason: 'Forbidden',
    message: `nothing is said of them: ${missingRight(why)}`,
  }))
