/**
 * Bundles what is shipped into dist/, or into the folder that is given: the launcher, the command line with the operator, and the
 * relay.
 */
import { join, resolve } from 'node:path'
import { build } from 'esbuild'

await build({
  // Not the current directory: a benchmark builds several trees.
  absWorkingDir: import.meta.dirname,
  entryPoints: {
    relayfleet: 'operator/launch.ts',
    operator: 'operator/cli.ts',
    relay: 'relay/main.ts',
    openssl: 'relay/openssl.cnf',
  },
  loader: { '.cnf': 'copy' },
  outdir: resolve(process.argv[2] ?? join(import.meta.dirname, 'dist')),
  bundle: true,
  platform: 'node',
  target: 'node24',
  format: 'esm',
  sourcemap: true,
  // Smaller text saves 3 MB of memory in a relay at rest, as Node keeps it. Names stay and lines are short for the sake of stack
  // traces.
  minifyWhitespace: true,
  minifySyntax: true,
  lineLimit: 160,
  legalComments: 'linked',
  // Packages in CommonJS call require(), which an ES module has to define. esbuild moves an entry
  // point's hashbang before this banner, so the banner must not have one.
  banner: {
    js: "import { createRequire as relayfleetRequire } from 'node:module'; const require = relayfleetRequire(import.meta.url);",
  },
})
