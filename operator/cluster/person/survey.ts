/** The objects of our kinds as a person may list them now, and which kinds may not be listed. */
import type { Api } from '../api/api.ts'
import { type ApiError, isForbidden } from '../api/api-error.ts'
import { ownResources, type Resource } from '../api/resource.ts'
import { wholeList } from '../api/whole-list.ts'
import { type DeclaredObject, declaredIn } from '../watch/declared.ts'

/** Absent namespace: all of them. */
export type Scope = { readonly namespace?: string }

export type Survey = {
  readonly declared: readonly DeclaredObject[]
  /** What this user may not list, and what the API server said. */
  readonly withheld: readonly { readonly resource: Resource; readonly why: ApiError }[]
}

export const pageSize = 500

/**
 * Once, without watching anything. What is being deleted is not among them, but for a policy that waits for its mail.
 * @throws ApiError for everything but a missing right to one of the kinds; where all are withheld, for that too.
 */
export async function survey(api: Api, scope: Scope, signal: AbortSignal): Promise<Survey> {
  const answers = await Promise.all(ownResources.map((resource) => listed(api, resource, scope, signal)))
  const withheld = answers.flatMap(({ refused }, i) =>
    refused === undefined ? [] : [{ resource: ownResources[i] as Resource, why: refused }],
  )
  const [first] = withheld
  if (first !== undefined && withheld.length === answers.length) throw first.why
  return { declared: answers.flatMap(({ declared }) => declared), withheld }
}

type Listed = { readonly declared: readonly DeclaredObject[]; readonly refused?: ApiError }

async function listed(api: Api, resource: Resource, scope: Scope, signal: AbortSignal): Promise<Listed> {
  try {
    const { items } = await wholeList(api, resource, scope, { limit: pageSize, signal })
    return { declared: items.map((object) => declaredIn(object)).filter((d) => d !== undefined) }
  } catch (error) {
    if (isForbidden(error)) return { declared: [], refused: error as ApiError }
    throw error
  }
}
