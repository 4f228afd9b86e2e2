/** The operator's own HTTP pages: /metrics, /healthz and /readyz. */
import { type Makers, type Page, page, plain, type Serving, servePages as serve } from '../relay/page-server.ts'
import { sharedPage } from '../relay/shared-page.ts'

/** Says what is wrong, one text for each problem; empty where nothing is. */
export type Wrongs = () => readonly string[]

export type Pages = {
  /** Problems for which the kubelet should restart the container (liveness). */
  readonly unhealthy: Wrongs
  readonly unready: Wrongs
  readonly metrics: () => Promise<{ readonly type: string; readonly text: string }>
}

const verdict = (wrongs: readonly string[]) =>
  wrongs.length === 0 ? plain(200, 'ok\n') : plain(503, `${wrongs.join('\n')}\n`)

const makersOf = ({ unhealthy, unready, metrics }: Pages): Makers =>
  new Map<string, () => Page | Promise<Page>>([
    ['/healthz', () => verdict(unhealthy())],
    ['/readyz', () => verdict(unready())],
    [
      '/metrics',
      sharedPage(async () => {
        const { type, text } = await metrics()
        return page(200, type, text)
      }),
    ],
  ])

/** Listens at `host:port`; port 0 is any free one. @throws Error where it can not listen there. */
export const servePages = (at: { readonly host: string; readonly port: number }, from: Pages): Promise<Serving> =>
  serve(at, makersOf(from))
