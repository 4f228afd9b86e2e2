/** Bundles what ships, into dist/ or a folder that is given: the command line with the operator and what starts it, and the relay. */
import { join, resolve } from 'node:path'
import { build } from 'esbuild'

await build({
  // From wherever it is called: a benchmark builds several trees.
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
  // Node keeps the text in memory, 3 MB of a relay at rest; names stay, and lines short, for who reads a stack.
  minifyWhitespace: true,
  minifySyntax: true,
  lineLimit: 160,
  legalComments: 'linked',
  // Packages in CommonJS call require(); an ES module has to bring one. A second hashbang behind it would be no JavaScript.
  banner: {
    js: "import { createRequire as relayfleetRequire } from 'node:module'; const require = relayfleetRequire(import.meta.url);",
  },
})
