/** One line of a watch, as what it says. Pure. */
import { type ApiError, isExpired, refusal } from '../api/api-error.ts'
import type { KubeObject } from '../api/object.ts'

export type WatchEvent =
  | { readonly kind: 'is'; readonly object: KubeObject }
  | { readonly kind: 'gone'; readonly object: KubeObject }
  /** All that happened up to this version has been told. */
  | { readonly kind: 'bookmark'; readonly resourceVersion: string }
  /** The version that we asked from is no longer known: only a new list tells what we missed. */
  | { readonly kind: 'expired' }
  | { readonly kind: 'refused'; readonly error: ApiError }
  /** A line that we did not understand: we may have missed a change. */
  | { readonly kind: 'garbled'; readonly why: string }

const garbled = (why: string): WatchEvent => ({ kind: 'garbled', why })

export function watchEvent(line: string): WatchEvent {
  let event: { readonly type?: unknown; readonly object?: KubeObject | { readonly code?: number } } | null
  try {
    event = JSON.parse(line)
  } catch {
    return garbled('a line that is no JSON')
  }
  if (event?.type === 'ERROR') return errorEvent(event.object)
  const object = event?.object as Partial<KubeObject> | null | undefined
  const { name, resourceVersion } = object?.metadata ?? {}
  if (typeof resourceVersion !== 'string' || resourceVersion === '') return garbled('an event without a version')
  if (event?.type === 'BOOKMARK') return { kind: 'bookmark', resourceVersion }
  if (typeof name !== 'string' || name === '') return garbled('an event about nothing')
  switch (event?.type) {
    case 'ADDED':
    case 'MODIFIED':
      return { kind: 'is', object: object as KubeObject }
    case 'DELETED':
      return { kind: 'gone', object: object as KubeObject }
    default:
      return garbled('an event of no known type')
  }
}

function errorEvent(status: unknown): WatchEvent {
  const error = refusal('watch', Number((status as { code?: number } | undefined)?.code ?? 0), status)
  return isExpired(error) || error.reason === 'Expired' || error.reason === 'Gone'
    ? { kind: 'expired' }
    : { kind: 'refused', error }
}
