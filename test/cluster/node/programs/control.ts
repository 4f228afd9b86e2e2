/** Lets a test control a program that runs in a pod, by small requests and answers in JSON. */
import { createServer } from 'node:http'
import { json } from 'node:stream/consumers'

/** The handlers by path; an error that one throws is answered as text with status 500. */
export type Handlers = Readonly<Record<string, (body: unknown) => unknown>>

export function control(port: number, handlers: Handlers): void {
  const all: Handlers = { '/ready': () => true, ...handlers }
  createServer(async (request, response) => {
    try {
      const handle = all[request.url ?? '']
      if (handle === undefined) throw new Error(`there is no ${request.url}`)
      const answer = await handle(request.method === 'POST' ? await json(request) : undefined)
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer ?? null))
    } catch (error) {
      response.writeHead(500, { 'content-type': 'text/plain' }).end((error as Error).message)
    }
  }).listen(port, '::')
}
