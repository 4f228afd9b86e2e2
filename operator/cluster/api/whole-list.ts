/** A list of any length, page by page. */
import type { Api, Page, Scope } from './api.ts'
import type { Resource } from './resource.ts'

/** @throws ApiError when any page of it can not be had: half a list says nothing about what is absent. */
export async function wholeList(
  api: Api,
  resource: Resource,
  scope: Scope,
  { limit, signal }: { readonly limit: number; readonly signal: AbortSignal },
): Promise<Page> {
  let page = await api.listPage(resource, scope, { limit }, { signal })
  const items = [...page.items]
  while (page.continue !== undefined) {
    page = await api.listPage(resource, scope, { limit, continue: page.continue }, { signal })
    items.push(...page.items)
  }
  return { items, resourceVersion: page.resourceVersion }
}
