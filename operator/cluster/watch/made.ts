/** What was made for fleets, as the cluster has it: by the fleet whose label it carries. */
import { isDeepStrictEqual } from 'node:util'
import type { Name } from '../../compile/snapshot.ts'
import type { KubeObject } from '../api/object.ts'
import { policyLabel } from '../write/ownership.ts'
import { remembered } from './remembered.ts'

/** Undefined where no label says so. */
export function fleetOf({ metadata: { namespace, labels } }: KubeObject): Name | undefined {
  const policy = labels?.[policyLabel]
  return namespace === undefined || policy === undefined ? undefined : `${namespace}/${policy}`
}

export type Made = { readonly fleet: Name | undefined; readonly object: KubeObject }

/** Who set which field is only asked when a write meets somebody, and then anew. */
export function madeIn(object: KubeObject): Made {
  const { managedFields: _, ...metadata } = object.metadata
  return { fleet: fleetOf(object), object: { ...object, metadata } }
}

/** What its controller reports of it is no change of what was made. */
export const isSameMade = (a: Made, b: Made): boolean => isDeepStrictEqual(withoutReports(a), withoutReports(b))

const withoutReports = ({ object: { status: _, metadata, ...rest } }: Made): unknown => {
  const { resourceVersion: __, ...told } = metadata
  return { ...rest, metadata: told }
}

const none: readonly never[] = []

/** Of thousands of objects those of one fleet, without a look at all the others. */
export function byFleet<T extends { readonly fleet: Name | undefined }>(
  values: () => readonly T[],
): (fleet: Name) => readonly T[] {
  const groups = remembered(
    () => [values()],
    (all) => Map.groupBy(all, (one) => one.fleet),
  )
  return (fleet) => groups().get(fleet) ?? none
}
