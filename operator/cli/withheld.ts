/** What a person is told about the kinds that were not listed for want of a right. Pure. */
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
