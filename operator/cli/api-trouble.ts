/** Words for a person when the cluster does not answer, or refuses: what is missing, and what to ask for. */
import { ApiError, isForbidden } from '../cluster/api/api-error.ts'
import type { Cluster } from './cluster-options.ts'

/** Runs code that calls the API server. @throws Error in words for a person, in place of an ApiError. */
export async function asking<T>({ connection }: Pick<Cluster, 'connection'>, ask: () => Promise<T>): Promise<T> {
  try {
    return await ask()
  } catch (error) {
    throw error instanceof ApiError ? new Error(inWords(error, connection.server), { cause: error }) : error
  }
}

function inWords(error: ApiError, server: URL): string {
  if (isForbidden(error)) return missingRight(error)
  if (error.code === 401) return `${server.origin} does not know you (401): log in again, or choose another --context`
  switch (error.trouble) {
    case 'unreachable':
    case 'late':
      return `no cluster answers at ${server.origin}: ${causeOf(error)}; is it running, and is the --context the right one?`
    case 'refused':
    case 'garbled':
      return error.message
  }
}

const causeOf = ({ cause, message }: ApiError): string => {
  const { errors = [], message: said = '' } = (cause ?? {}) as Partial<AggregateError>
  return (errors[0] as Error | undefined)?.message || said || message
}

/** `User "jane" cannot list resource "pods" in API group "" in the namespace "mail"` */
const refusalForm =
  /cannot (?<verb>\S+) resource "(?<resource>[^"]*)" in API group "(?<group>[^"]*)"(?: in the namespace "(?<namespace>[^"]*)")?/

/** Words the right that is missing: which verb, on which resource, in which namespace. */
export function missingRight({ message }: ApiError): string {
  const { verb, resource = '', group = '', namespace } = refusalForm.exec(message)?.groups ?? {}
  if (verb === undefined) return message
  const what = group === '' ? resource : `${resource}.${group}`
  const where = namespace === undefined ? 'in all namespaces' : `in namespace ${namespace}`
  return `you may not ${verb} ${what} ${where}; ask for a role with the verb ${verb} on ${what} there`
}
