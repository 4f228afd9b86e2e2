/** The metric on rotations counts credentials by the reason for which the rotation is pending. */
import { expect, test } from 'vitest'
import { rotationCounts } from '../../../operator/cluster/rotation-news.ts'

const credential = (i: number, reason?: string) => ({
  ref: `RelayCredential a/${i}` as const,
  status: {
    conditions: [
      { type: 'Ready', reason: 'OldKeyOverdue' },
      ...(reason === undefined ? [] : [{ type: 'RotationPending', reason }]),
    ],
  },
})

test('each credential with a pending rotation is counted under its reason, and reasons without one have 0', () => {
  const declared = [credential(1, 'OldKeyInUse'), credential(2, 'OldKeyInUse'), credential(3, 'Overlap'), credential(4)]
  const other = {
    ref: 'RelayPolicy a/b' as const,
    status: { conditions: [{ type: 'RotationPending', reason: 'Overlap' }] },
  }
  expect(rotationCounts([...declared, other, credential(5, 'constructor'), { ...credential(6), status: {} }])).toEqual({
    OldKeyOverdue: 0,
    UseUnknown: 0,
    OldKeyInUse: 2,
    NewKeyPending: 0,
    Overlap: 1,
  })
})
