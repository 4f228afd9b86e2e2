/**
 * Bundles what is shipped into dist/, or into the folder that is given: the launcher, the command line with the operator, and the
 * relay.
 */
import { join, resolve } from 'node:path'
import { build, type Plugin } from 'esbuild'

/**
 * What our programs never call of the packages that they use, and what would load Node's HTTP client, cluster and fetch beside it:
 * Nodemailer's contents by URL, and prom-client's push and its registry of several processes.
 */
const leftOut: Plugin = {
  name: 'left out',
  setup: ({ onLoad }) => {
    const uncalled = /\/(?:nodemailer\/dist\/esm\/fetch\/index|prom-client\/lib\/(?:pushgateway|cluster))\.js$/
    onLoad({ filter: uncalled }, () => ({ contents: 'export default undefined' }))
  },
}

await build({
  // Relative paths start here and not at the current directory, since a benchmark builds several working trees.
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
  plugins: [leftOut],
  platform: 'node',
  target: 'node24',
  format: 'esm',
  sourcemap: true,
  // Node keeps the text of a program in memory: in a relay at rest, smaller text saves 3 MB. Names are kept and lines are short,
  // so that stack traces can be read.
  minifyWhitespace: true,
  minifySyntax: true,
  lineLimit: 160,
  legalComments: 'linked',
  // Packages in CommonJS call require(), which does not exist in an ES module, so this banner defines it. It must not begin with
  // a hashbang: esbuild puts the one of the entry point before it.
  banner: {
    js: "import { createRequire as relayfleetRequire } from 'node:module'; const require = relayfleetRequire(import.meta.url);",
  },
})
