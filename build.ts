/** Bundles what ships: the command line with the operator, and the relay, which has no Kubernetes client in it. */
import { build } from 'esbuild'

await build({
  entryPoints: { relayfleet: 'operator/cli.ts', relay: 'relay/main.ts' },
  outdir: 'dist',
  bundle: true,
  platform: 'node',
  target: 'node24',
  format: 'esm',
  sourcemap: true,
  legalComments: 'linked',
  // Packages in CommonJS call require(); an ES module has to bring one.
  banner: {
    js: "#!/usr/bin/env node\nimport { createRequire as relayfleetRequire } from 'node:module'; const require = relayfleetRequire(import.meta.url);",
  },
})
