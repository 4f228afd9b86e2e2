/** An Api that tells of each of its calls how it ended. */
import type { Api } from './api.ts'
import { ApiError } from './api-error.ts'

export type Verb = keyof Api

/** `code` is the HTTP status; 0 where the server gave none. A watch is told of when it is open. */
export function counted(api: Api, tell: (verb: Verb, code: number) => void): Api {
  const entries = Object.entries(api).map(([verb, call]) => [verb, telling(call as Call, (c) => tell(verb as Verb, c))])
  return Object.fromEntries(entries) as Api
}

type Call = (...args: readonly unknown[]) => Promise<unknown>

const telling =
  (call: Call, tell: (code: number) => void): Call =>
  async (...args) => {
    try {
      const answer = await call(...args)
      tell(200)
      return answer
    } catch (error) {
      tell(error instanceof ApiError ? error.code : 0)
      throw error
    }
  }
