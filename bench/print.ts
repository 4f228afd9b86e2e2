/** Prints the newest full run of the bench into docs/benchmarks.md and its plot: `node bench/print.ts`. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { sectionOf } from './page.ts'
import { plotOf } from './plot.ts'
import { newestResults } from './results.ts'

const docs = join(import.meta.dirname, '../docs')
export const pageFile = join(docs, 'benchmarks.md')
export const plotFile = join(docs, 'benchmarks.svg')

const begin = '<!-- printed by bench/print.ts: begin -->'
const end = '<!-- printed by bench/print.ts: end -->'

/**
 * The page with its printed section made anew from the newest results, and the plot; all other text of the page stays.
 * @throws Error when the page has no marks around a printed section
 */
export function printed(): { readonly page: string; readonly plot: string } {
  const page = readFileSync(pageFile, 'utf8')
  const results = newestResults()
  const [before = '', rest = ''] = page.split(begin)
  const [, after] = rest.split(end)
  if (after === undefined) throw new Error(`${pageFile} has no place for the figures: ${begin} … ${end}`)
  return { page: `${before}${begin}\n${sectionOf(results)}\n${end}${after}`, plot: plotOf(results) }
}

export function printBenchmarks(): void {
  const { page, plot } = printed()
  writeFileSync(pageFile, page)
  writeFileSync(plotFile, plot)
}

if (import.meta.main) printBenchmarks()
