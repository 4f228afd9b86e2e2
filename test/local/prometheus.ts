/** A Prometheus of a test's own that scrapes every second, and is asked as Grafana asks it. */
import { spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { freePort } from './free-port.ts'
import { programFile } from './programs.ts'
import { end } from './receiver.ts'
import { until } from './until.ts'

export type Series = Readonly<Record<string, string>>

export type Prometheus = {
  /**
   * The labels of each series in an expression's current result.
   * @throws Error with Prometheus's words if the expression is wrong
   */
  query(expr: string): Promise<readonly Series[]>
  stop(): Promise<void>
}

/** `jobs` has the port on this machine that each job scrapes, by the job's name. */
export async function startPrometheus(folder: string, jobs: Readonly<Record<string, number>>): Promise<Prometheus> {
  const config = join(folder, 'prometheus.json')
  const scraped = Object.entries(jobs).map(([name, port]) => ({
    job_name: name,
    static_configs: [{ targets: [`127.0.0.1:${port}`] }],
  }))
  writeFileSync(config, JSON.stringify({ global: { scrape_interval: '1s' }, scrape_configs: scraped }))
  const port = await freePort()
  const child = spawn(
    programFile('prometheus') ?? 'prometheus',
    [
      `--config.file=${config}`,
      `--storage.tsdb.path=${join(folder, 'tsdb')}`,
      `--web.listen-address=127.0.0.1:${port}`,
    ],
    { stdio: 'ignore' },
  )
  const ask = async (path: string): Promise<Response> => fetch(`http://127.0.0.1:${port}${path}`)
  const isReady = async (): Promise<boolean> =>
    ask('/-/ready').then(
      ({ ok }) => ok,
      () => false,
    )
  await until('Prometheus is ready', isReady, 30_000)
  return {
    query: async (expr) => {
      const answer = (await (await ask(`/api/v1/query?${new URLSearchParams({ query: expr })}`)).json()) as {
        readonly error?: string
        readonly data?: { readonly result: readonly { readonly metric: Series }[] }
      }
      if (answer.data === undefined) throw new Error(`${expr}: ${answer.error}`)
      return answer.data.result.map(({ metric }) => metric)
    },
    stop: () => end(child),
  }
}
