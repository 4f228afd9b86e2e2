/**
 * What a credential's status says of one of its keys: whether it is recorded (and so survives the operator), and whether relays
 * accept it. Pure.
 */

type Status = Readonly<Record<string, unknown>>

/** `recorded`: it is not known whether relays accept it; `notProgrammed`: at least one relay is known not to. */
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
