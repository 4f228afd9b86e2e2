/** The operator's own HTTP pages: /metrics, /healthz and /readyz. */
import {
  type Exposition,
  exposition,
  type Makers,
  type Page,
  type Serving,
  servePages as serve,
  verdict,
} from '../relay/page-server.ts'
import { sharedPage } from '../relay/shared-page.ts'

/** Says what is wrong, one text for each problem; empty where nothing is. */
export type Wrongs = () => readonly string[]

export type Pages = {
  /** Problems for which the kubelet should restart the container (liveness). */
  readonly unhealthy: Wrongs
  readonly unready: Wrongs
  readonly metrics: () => Promise<Exposition>
}

const makersOf = ({ unhealthy, unready, metrics }: Pages): Makers =>
  new Map<string, () => Page | Promise<Page>>([
    ['/healthz', () => verdict(unhealthy())],
    ['/readyz', () => verdict(unready())],
    ['/metrics', sharedPage(async () => exposition(await metrics()))],
  ])

/** Listens at `host:port`; port 0 is any free one. @throws Error where it can not listen there. */
export const servePages = (at: { readonly host: string; readonly port: number }, from: Pages): Promise<Serving> =>
  serve(at, makersOf(from))
