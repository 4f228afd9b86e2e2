/** What a credential's status tells of one of its keys: recorded there, it outlives the operator; programmed, relays accept it. Pure. */

type Status = Readonly<Record<string, unknown>>

/** `notProgrammed`: it is recorded, and there is evidence that not every relay is programmed with it. */
export type KeyTold = 'unrecorded' | 'recorded' | 'notProgrammed' | 'programmed'

export function tells({ keys, conditions }: Status, id: string): KeyTold {
  const recorded = Array.isArray(keys) && keys.some((key: { readonly id?: unknown } | null) => key?.id === id)
  if (!recorded || !Array.isArray(conditions)) return 'unrecorded'
  const programmed = (conditions as readonly { readonly type?: unknown; readonly status?: unknown }[]).find(
    ({ type }) => type === 'Programmed',
  )?.status
  if (programmed === 'True') return 'programmed'
  return programmed === 'False' ? 'notProgrammed' : 'recorded'
}
