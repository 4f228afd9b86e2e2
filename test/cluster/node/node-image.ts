/** Builds the image that ships, with the tests' programs added to it, and loads it into the cluster's nodes. */
import { execFileSync } from 'node:child_process'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { build } from 'esbuild'
import { type Packed, pack } from '../../../image/pack.ts'
import type { Cluster } from '../held.ts'

const repository = join(import.meta.dirname, '../../..')
const programs = join(import.meta.dirname, 'programs')

/** Bundles what ships into a folder, and the programs, which are `/app/<name>.js` in the image. */
export async function bundle(outdir: string): Promise<void> {
  execFileSync(process.execPath, ['build.ts', outdir], { cwd: repository, stdio: 'pipe' })
  await build({
    entryPoints: ['receiver', 'client'].map((name) => join(programs, `${name}.ts`)),
    outdir,
    bundle: true,
    platform: 'node',
    format: 'esm',
    banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
  })
}

/** Packs the bundles and loads the image under this tag, to which the name of the test run is added. */
export function load(cluster: Pick<Cluster, 'run' | 'imageLoader'>, dist: string, tag: string): Packed {
  const archive = join(dist, `${tag}.tar`)
  const packed = pack({ dist, node: process.execPath, tag: `${tag}-${cluster.run}` }, archive)
  const [program = '', ...args] = cluster.imageLoader ?? []
  execFileSync(program, [...args, archive], { stdio: 'pipe' })
  rmSync(archive)
  return packed
}
