/** Loads the image that ships into the cluster's nodes, with the tests' programs added to it. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { build } from 'esbuild'
import { type Packed, pack } from '../../../image/pack.ts'
import { theCluster } from '../cluster.ts'

const repository = join(import.meta.dirname, '../../..')
const programs = join(import.meta.dirname, 'programs')

/** Bundles the programs, which are `/app/<name>.js` in the image. */
async function bundlePrograms(outdir: string): Promise<void> {
  await build({
    entryPoints: ['receiver', 'client'].map((name) => join(programs, `${name}.ts`)),
    outdir,
    bundle: true,
    platform: 'node',
    format: 'esm',
    banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
  })
}

export async function loadImage(tag: string): Promise<Packed> {
  const folder = mkdtempSync(join(tmpdir(), 'relayfleet-image-'))
  try {
    execFileSync(process.execPath, ['build.ts', folder], { cwd: repository, stdio: 'pipe' })
    await bundlePrograms(folder)
    return load(folder, tag)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function load(dist: string, tag: string): Packed {
  const archive = join(dist, 'image.tar')
  const packed = pack({ dist, node: process.execPath, tag: `${tag}-${theCluster().run}` }, archive)
  const [program = '', ...args] = theCluster().imageLoader ?? []
  execFileSync(program, [...args, archive], { stdio: 'pipe' })
  return packed
}
